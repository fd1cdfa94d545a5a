/** A process that runs batches, one after the other. */
import { runBatch, type Batch } from './batch.ts'

process.on('disconnect', () => process.exit())
process.on('message', (batch: Batch) => {
  void runBatch(batch).then((result) => process.send?.(result))
})
