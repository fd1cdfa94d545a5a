/** Finds out, before anything is changed, whether HAProxy could listen where it is to. */
import { createServer } from 'node:net'
import { basename } from 'node:path'
import { RepaveError } from '../../errors.ts'
import type { Route } from '../../model/stack.ts'
import { errorCode } from '../../system/error-code.ts'
import { haproxiesOf, portHolders, type ProcessEntry } from './proc.ts'
import { listenerName } from './routing.ts'

/**
 * PORT_IN_USE, or NOT_PERMITTED, or FILE_INVALID for an address that the machine hasn't. HAProxies can share
 * a port without an error, so this binds it for a moment, as a server that shares nothing.
 */
export async function checkPort(listen: Route['listen'], configFile: string): Promise<void> {
  const failure = await bindFailure(listen)
  const name = listenerName(listen)
  switch (failure && errorCode(failure)) {
    case undefined:
      return
    case 'EADDRINUSE': {
      const holders = await portHolders(listen.port)
      const own = new Set(await haproxiesOf(configFile))
      if (holders.length > 0 && holders.every(({ pid }) => own.has(pid))) return
      throw portInUse(
        name,
        holders.filter(({ pid }) => !own.has(pid)),
        failure,
      )
    }
    case 'EACCES':
      throw new RepaveError('NOT_PERMITTED', `${name} can't be listened on by this user`, {
        hint: 'listen on a port from 1024, or run the controller as root',
        cause: failure,
      })
    case 'EADDRNOTAVAIL':
      throw new RepaveError('FILE_INVALID', `this machine has no address ${listen.address}`, {
        hint: 'listen on 0.0.0.0, 127.0.0.1 or one of the addresses in `ip address`',
        cause: failure,
      })
    default:
      throw new RepaveError('ROUTER_FAILED', `${name} can't be listened on`, {
        hint: 'the cause says why',
        cause: failure,
      })
  }
}

function bindFailure({ address, port }: Route['listen']): Promise<Error | undefined> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', resolve)
    server.listen({ host: address, port, exclusive: true }, () => server.close(() => resolve(undefined)))
  })
}

function portInUse(name: string, holders: readonly ProcessEntry[], cause: unknown): RepaveError {
  const holder = holders.map(({ pid, argv }) => `${basename(argv[0] ?? 'a process')} (pid ${pid})`).join(', ')
  return new RepaveError('PORT_IN_USE', `${name} is taken${holder && ` by ${holder}`}`, {
    hint: holder ? 'stop it, or route on another port' : `see who has it with \`ss -ltnp\`, or route on another port`,
    cause,
  })
}
