/** The controller's client; starts a controller in the background where none answers. */
import { type Client, createClient } from '../api/client.ts'
import { prepareHome, socketPath, stateFolder } from '../api/home.ts'
import { repaveVersion } from '../api/version.ts'
import { RepaveError } from '../errors.ts'
import type { Session } from './session.ts'

export async function connect(session: Session): Promise<Client> {
  const home = stateFolder()
  const socket = socketPath(home)
  const client = createClient(socket, warnOnce(session))
  if (await answers(client)) return client
  prepareHome(home)
  const { startController } = await import('./start-controller.ts')
  await startController(home, () => answers(client))
  return client
}

export async function answers(client: Client): Promise<boolean> {
  try {
    await client.info()
    return true
  } catch (error) {
    if (error instanceof RepaveError && error.code === 'CONTROLLER_UNREACHABLE') return false
    throw error
  }
}

/** A controller of another version still works for most; people are told how to get the same. */
function warnOnce({ terminal, json }: Session): (version: string) => void {
  let isTold = json
  return (version) => {
    const own = repaveVersion()
    if (isTold || version === own) return
    isTold = true
    terminal.printError([
      `note: the controller is Repave ${version}, this command is ${own}.`,
      '  Stop it (`repave status --json` shows its pid; instances serve on) and the next command starts this version.',
    ])
  }
}
