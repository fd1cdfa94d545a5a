import { onTestFinished } from 'vitest'
import { Scene } from './scene.ts'

/** A scene that is closed when the running test has finished, however that was. */
export async function openScene(socket?: string, repaveSocket?: string): Promise<Scene> {
  const scene = await Scene.open(socket, repaveSocket)
  onTestFinished(() => scene.close())
  return scene
}
