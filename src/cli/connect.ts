/** The controller's client; starts a controller in the background where none answers. */
import { type Client, createClient } from '../api/client.ts'
import { engineAddress, prepareHome, socketPath, stateFolder } from '../api/home.ts'
import { repaveVersion } from '../api/version.ts'
import { RepaveError } from '../errors.ts'
import type { ControllerStatus } from '../model/report.ts'
import type { Session } from './session.ts'

export async function connect(session: Session): Promise<Client> {
  const home = stateFolder()
  const socket = socketPath(home)
  const client = createClient(socket, warnOnce(session))
  const running = await answer(client)
  if (running && (await suits(running, client, session))) return client
  prepareHome(home)
  const { endController, startController } = await import('./start-controller.ts')
  if (running) await endController(home, running.pid)
  await startController(home, async () => (await answer(client)) !== undefined)
  return client
}

/** What the controller says of itself; undefined where none answers. */
async function answer(client: Client): Promise<ControllerStatus | undefined> {
  try {
    return await client.info()
  } catch (error) {
    if (error instanceof RepaveError && error.code === 'CONTROLLER_UNREACHABLE') return undefined
    throw error
  }
}

/** A controller of another engine is of use to those whose fleets it keeps; one that keeps none is in the way. */
async function suits({ engine, pid }: ControllerStatus, client: Client, session: Session): Promise<boolean> {
  const wanted = engineAddress()
  if (engine === undefined || engine === wanted) return true
  if ((await client.status({})).length === 0) return false
  if (!session.json)
    session.terminal.printError([
      `note: the controller uses the engine at ${engine}, and DOCKER_HOST now says ${wanted}.`,
      `  To change that, stop it (\`kill ${pid}\`; instances serve on) and run the command again.`,
    ])
  return true
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
