/**
 * A controller in the foreground that ends itself with SIGKILL at a failpoint: `dying-controller.ts WHEN ON VERB NTH`, for
 * instance `before engine create 2` or `after store append 5`. It is the product's own `serve` but for that.
 */
import type { Seams } from '../../src/controller/seams.ts'
import { serve } from '../../src/cli/serve.ts'
import { type Around, aroundEngine, aroundLedger, aroundRouter, aroundStore, type Call } from '../simulation/seams.ts'

const [when = '', on = '', verb = '', nth = ''] = process.argv.slice(2)
let left = Number(nth)

const around: Around = async (call, run) => {
  const strikes = isFailpoint(call) && --left === 0
  if (strikes && when === 'before') return die()
  try {
    return await run()
  } finally {
    if (strikes) await die()
  }
}

function isFailpoint(call: Call): boolean {
  return call.on === on && call.verb === verb
}

/** Nothing that was begun goes on in this process. */
function die(): Promise<never> {
  process.kill(process.pid, 'SIGKILL')
  return new Promise(() => undefined)
}

const hearAtOnce = (hear: () => void) => hear()

process.exitCode = await serve({
  wrap: (seams: Seams): Seams => ({
    ...seams,
    engine: aroundEngine(seams.engine, around, hearAtOnce),
    router: aroundRouter(seams.router, around, hearAtOnce),
    store: aroundStore(seams.store, around),
    openLedger: async () => aroundLedger(await seams.openLedger(), around),
  }),
})
