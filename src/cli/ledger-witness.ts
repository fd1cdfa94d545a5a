/** `repave ledger witness FOLDER`: cosigns checkpoints of ledgers on other machines, in the foreground. */
import { once } from 'node:events'
import { createServer } from 'node:http'
import { getRequestListener } from '@hono/node-server'
import { openWitness } from '../compose.ts'
import { RepaveError } from '../errors.ts'
import { createWitnessApi } from '../ledger/witness-api.ts'
import { exitDone } from './exit.ts'
import { untilInterrupted } from './interrupt.ts'
import type { Session } from './session.ts'

export interface LedgerWitnessOptions {
  readonly log?: readonly string[]
  readonly listen: string
}

export async function ledgerWitness(
  { terminal, json }: Session,
  folder: string,
  { log = [], listen }: LedgerWitnessOptions,
): Promise<number> {
  if (log.length === 0)
    throw new RepaveError('USAGE', 'a witness has to know the ledgers that it cosigns', {
      hint: 'name their public keys with --log; `repave ledger key` shows that of a ledger',
    })
  const { host, port } = address(listen)
  const { witness, key } = await openWitness(folder, log)
  const server = createServer(getRequestListener(createWitnessApi(witness).fetch))
  server.listen(port, host)
  await once(server, 'listening').catch((cause: unknown) => {
    throw new RepaveError('PORT_IN_USE', `can't listen on ${listen}`, {
      hint: 'name another address with --listen',
      cause,
    })
  })
  const url = `http://${listen}`
  if (json) terminal.printJson({ url, key })
  else
    terminal.print([
      `witness at ${url}`,
      `  ${key}`,
      `  on the machine of a ledger: repave ledger cosign ${url} ${key}`,
    ])
  const interrupted = untilInterrupted()
  if (!interrupted.aborted) await once(interrupted, 'abort')
  server.close()
  server.closeAllConnections()
  return exitDone
}

function address(listen: string): { host: string; port: number } {
  const [, bracketed, plain, port] = /^(?:\[([0-9a-f:]+)\]|([^:]+)):(\d{1,5})$/i.exec(listen) ?? []
  const host = bracketed ?? plain
  if (host !== undefined && Number(port) <= 65_535) return { host, port: Number(port) }
  throw new RepaveError('USAGE', `${JSON.stringify(listen)} is no address to listen on`, {
    hint: 'give ADDRESS:PORT, such as 127.0.0.1:7380',
  })
}
