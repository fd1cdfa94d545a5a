/** A stack file in TypeScript: its default export as plain data. Importing it runs it, as the user who asks. */
import { readFile } from 'node:fs/promises'
import { registerHooks } from 'node:module'
import { extname } from 'node:path'
import { pathToFileURL } from 'node:url'
import { LineCounter } from 'yaml'
import { RepaveError } from '../errors.ts'
import { pathName, type KeyPath, type Source } from './finding.ts'

const deepestNesting = 32

export async function typescriptSource(file: string, revision: string): Promise<Source> {
  const exported = await importDefault(file, revision)
  const value = plainData(exported, [], file)
  const positionOfKey = keyFinder(await readFile(file, 'utf8'))
  return { file, value, positionOf: (path) => ({ file, ...positionOfKey(path) }) }
}

interface Place {
  readonly line: number
  readonly column: number
}

/** A value is computed, so only the text can say where: the deepest key of the path that it has exactly once. */
function keyFinder(text: string): (path: KeyPath) => Place | undefined {
  const lines = new LineCounter()
  lines.addNewLine(0)
  for (const { index } of text.matchAll(/\n/g)) lines.addNewLine(index + 1)
  const keys = keysOf(text)
  return (path) => {
    const once = path.toReversed().flatMap((key) => (typeof key === 'string' ? [keys.get(key) ?? []] : []))
    const [found] = once.find(({ length }) => length === 1) ?? []
    if (!found) return undefined
    const { line, col } = lines.linePos(found.index)
    return { line, column: col }
  }
}

/** Each place where the text has `key:`, `"key":` or `'key':`, by key. */
function keysOf(text: string): ReadonlyMap<string, readonly RegExpExecArray[]> {
  const found = text.matchAll(/(?<![\w$.-])(?:"([^"\n]*)"|'([^'\n]*)'|([\w$]+))\s*:/g)
  return Map.groupBy(found, ([, quoted, apostrophed, bare = '']) => quoted ?? apostrophed ?? bare)
}

async function importDefault(file: string, revision: string): Promise<unknown> {
  const hooks = registerHooks({
    // `import { defineStack } from 'repave'` works beside a file that has no node_modules.
    resolve: (specifier, context, next) =>
      specifier === 'repave' ? { url: ownModule(), shortCircuit: true } : next(specifier, context),
  })
  try {
    const module: object = await import(/* @vite-ignore */ `${pathToFileURL(file).href}?revision=${revision}`)
    if ('default' in module) return module.default
  } catch (cause) {
    const reason = cause instanceof Error ? `${cause.name}: ${cause.message}` : String(cause)
    throw new RepaveError('FILE_SYNTAX', `${file} can't be imported: ${reason}`, {
      hint: `correct the file; \`node ${file}\` shows where it fails`,
      at: { file, ...thrownAt(cause, file) },
      cause,
    })
  } finally {
    hooks.deregister()
  }
  throw new RepaveError('FILE_INVALID', `${file} has no default export`, {
    hint: "end it with: export default defineStack({ stack: '…', services: { … } })",
    at: { file },
  })
}

/** Where in the file it was thrown: the first line of the stack that names it, as `file:line:column` or `file:line`. */
function thrownAt(error: unknown, file: string): { readonly line: number; readonly column?: number } | undefined {
  const stack = error instanceof Error ? (error.stack ?? '') : ''
  const name = `${RegExp.escape(file)}|${RegExp.escape(pathToFileURL(file).href)}`
  const [, line, column] = new RegExp(`(?:${name})(?:\\?[^:\\s]*)?:(\\d+)(?::(\\d+))?`).exec(stack) ?? []
  if (line === undefined) return undefined
  return { line: Number(line), ...(column !== undefined && { column: Number(column) }) }
}

function ownModule(): string {
  return new URL(`../repave${extname(import.meta.url)}`, import.meta.url).href
}

/** JSON's kinds of values only; keys that are undefined are left out. */
function plainData(value: unknown, path: KeyPath, file: string): unknown {
  if (value === null || ['string', 'boolean', 'number'].includes(typeof value)) return value
  if (path.length > deepestNesting) throw notPlain('is nested too deeply', path, file)
  if (Array.isArray(value)) return value.map((item, index) => plainData(item, [...path, index], file))
  if (typeof value !== 'object' || ![Object.prototype, null].includes(Object.getPrototypeOf(value)))
    throw notPlain('is not plain data', path, file)
  if (Object.hasOwn(value, '__proto__')) throw notPlain('has a key "__proto__"', path, file)
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, item]) => item !== undefined)
      .map(([key, item]) => [key, plainData(item, [...path, key], file)]),
  )
}

function notPlain(what: string, path: KeyPath, file: string): RepaveError {
  const name = path.length === 0 ? 'the default export' : pathName(path.slice(0, 8))
  return new RepaveError('FILE_INVALID', `${name} ${what}`, {
    hint: 'a stack is objects, lists, text, numbers and true or false',
    at: { file },
  })
}
