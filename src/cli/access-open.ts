/** `repave access open INSTANCE --reason TEXT`: a recorded terminal in an instance that is given up for it. */
import { socketPath, stateFolder } from '../api/home.ts'
import { openAccess } from '../api/terminal-client.ts'
import { parseDuration } from '../config/units.ts'
import { fromReport } from '../errors.ts'
import { connect } from './connect.ts'
import { Keyboard } from './keyboard.ts'
import type { Session } from './session.ts'
import { caller, sessionScope } from './stack.ts'

export interface AccessOptions {
  readonly reason: string
  readonly for: string
  readonly command: string
}

/** Where nobody knows how its program ended. */
const exitUnknown = 1

export async function accessOpen(session: Session, instance: string, options: AccessOptions): Promise<number> {
  const scope = await sessionScope(session)
  await connect(session)
  const keyboard = new Keyboard()
  const { reason } = options
  const [command, forMs] = [options.command.split(' ').filter(Boolean), parseDuration(options.for)]
  const request = { by: caller(), ...scope, instance, reason, command, forMs, size: keyboard.size }
  let exitCode: number | undefined
  let failure: Error | undefined
  try {
    await openAccess(socketPath(stateFolder()), request, {
      input: keyboard.input(),
      tell: (event) => {
        if (event.kind === 'step') say(event.message)
        if (event.kind === 'opened') {
          say(`access ${event.id} is open for ${options.for}, and recorded; what is typed is, too`)
          keyboard.begin()
        }
        if (event.kind === 'data') process.stdout.write(event.data)
        if (event.kind === 'error') failure = fromReport(event.error)
        if (event.kind !== 'closed') return
        exitCode = event.exitCode
        say(`\r\nclosed: ${event.message}; ${instance} is destroyed. recording: ${event.digest ?? 'none'}`)
      },
    })
  } finally {
    keyboard.end()
  }
  if (failure) throw failure
  return exitCode ?? exitUnknown
}

/** The terminal may be raw, where a line needs both. */
function say(words: string): void {
  process.stderr.write(`${words}\r\n`)
}
