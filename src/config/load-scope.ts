/** Reads only which stack and environment a file is about. */
import type { Scope } from '../model/stack.ts'
import { chooseEnvironment } from './environments.ts'
import type { LoadRequest } from './load.ts'
import { readStackFile } from './stack-file.ts'

/** Stricter than the schema in nothing that it lets through: anything else is left to `loadStack`. */
const plainName = /^[a-z][a-z0-9-]{0,31}$/

/**
 * The stack and environment of a file, without judging the rest: a file that is being edited must not keep anyone
 * from looking, or from going back. Without the schema it is also quick. Throws as `loadStack` does.
 */
export async function loadScope({ environment, ...choice }: LoadRequest): Promise<Scope> {
  const { value, file } = await readStackFile(choice)
  const names = namesIn(value)
  const chosen = names && chooseEnvironment({ ...names, services: {} }, environment)
  if (names && chosen?.kind === 'chosen') return { stack: names.stack, environment: chosen.environment }
  const { loadStack } = await import('./load.ts')
  const { stack } = await loadStack({ folder: choice.folder, file, environment })
  return { stack: stack.stack, environment: stack.environment }
}

function namesIn(
  value: unknown,
): { readonly stack: string; readonly environments: Record<string, object> } | undefined {
  if (typeof value !== 'object' || value === null || !('stack' in value)) return undefined
  const { stack } = value
  const declared: unknown = 'environments' in value ? value.environments : {}
  if (typeof stack !== 'string' || typeof declared !== 'object' || declared === null) return undefined
  const environments = Object.keys(declared)
  if (![stack, ...environments].every((name) => plainName.test(name))) return undefined
  return { stack, environments: Object.fromEntries(environments.map((name) => [name, {}])) }
}
