/** Promise 10, without chance: whatever step the controller dies in, what it left comes to the same end. */
import { describe, expect, test } from 'vitest'
import { crashesAt, difference, scenes, undisturbed } from './crash-matrix.ts'

describe.each(scenes)('$name', (scene) => {
  test('comes to the same end, whatever step of it the controller dies in', async () => {
    const { violation, moments, ending } = await undisturbed(scene)
    expect(violation).toBeUndefined()
    for (const crash of crashesAt(moments))
      expect({ crash, difference: await difference(scene, crash, ending) }).toEqual({ crash, difference: undefined })
  })
})
