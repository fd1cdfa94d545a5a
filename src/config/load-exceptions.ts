/** Reads only what `drift` is to pass over. */
import type { DriftException } from '../model/report.ts'
import { driftDefinition } from './definition.ts'
import { loadStack, type LoadRequest } from './load.ts'
import { readStackFile } from './stack-file.ts'

/** Without judging the rest of the file, which must not keep anyone from looking. Throws as `loadStack` does. */
export async function loadExceptions(request: LoadRequest): Promise<readonly DriftException[]> {
  const { value } = await readStackFile(request)
  if (typeof value !== 'object' || value === null || !('drift' in value)) return []
  const drift = driftDefinition.safeParse(value.drift)
  if (drift.success) return drift.data.exceptions ?? []
  // It says where in the file that is wrong.
  await loadStack(request)
  return []
}
