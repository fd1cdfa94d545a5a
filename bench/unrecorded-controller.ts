/** A controller that keeps no ledger, for the price of keeping one: it records its decisions, and nothing else. */
import { MemoryLocker } from '../src/evidence/memory/memory-locker.ts'
import { serve } from '../src/cli/serve.ts'
import type { Seams } from '../src/controller/seams.ts'
import { openMemoryLedger } from '../src/ledger/memory/memory-ledger.ts'

let sequence = 0

process.exitCode = await serve({
  wrap: (seams: Seams): Seams => ({
    ...seams,
    store: {
      ...seams.store,
      append: async (entry) => ({ ...entry, sequence: sequence++ }),
      leaves: async () => [],
    },
    locker: new MemoryLocker(),
    openLedger: () => openMemoryLedger(),
  }),
})
