/** `repave evidence key`: to whom secrets in evidence are encrypted, and where the other half of the key is. */
import { prepareHome, stateFolder } from '../api/home.ts'
import { evidenceKeyOf } from '../compose.ts'
import { exitDone } from './exit.ts'
import type { Session } from './session.ts'

export async function evidenceKey({ terminal, json }: Session): Promise<number> {
  const home = stateFolder()
  prepareHome(home)
  const { recipient, identityFile, hasIdentity } = await evidenceKeyOf(home)
  if (json) terminal.printJson({ recipient, identity: hasIdentity ? identityFile : null })
  else
    terminal.print([
      recipient,
      hasIdentity
        ? `  the identity that reads the secrets is ${identityFile}: move it off this machine, to where evidence is read`
        : '  the identity that reads the secrets is not on this machine',
    ])
  return exitDone
}
