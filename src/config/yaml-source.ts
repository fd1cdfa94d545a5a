/** YAML 1.2 (core schema) and JSON as plain data with positions; everything that only serves to surprise is refused. */
import { LineCounter, parseAllDocuments, type Document, type YAMLError } from 'yaml'
import { RepaveError, type FilePosition } from '../errors.ts'
import type { Source } from './finding.ts'
import { NodeReader, Offsets } from './yaml-nodes.ts'

/** `format` is what the errors call the text. */
export function yamlSource(file: string, text: string, format: 'YAML' | 'JSON' = 'YAML'): Source {
  const lines = new LineCounter()
  const at = (offset: number): FilePosition => {
    const { line, col } = lines.linePos(offset)
    return { file, line: Math.max(1, line), column: Math.max(1, col) }
  }
  const document = parseOne(file, text, lines, at, format)
  const reader = new NodeReader((node, message, hint) => {
    throw new RepaveError('FILE_SYNTAX', message, { hint, at: at(node?.range?.[0] ?? 0) })
  })
  const value = reader.read(document.contents, [], 0)
  const offsets = new Offsets(document.contents, reader.targets)
  return { file, value, positionOf: (path, part) => at(offsets.of(path, part)) }
}

function parseOne(
  file: string,
  text: string,
  lineCounter: LineCounter,
  at: (offset: number) => FilePosition,
  format: string,
): Document {
  // The library compares each key with each other one (minutes for a hostile file): NodeReader looks for duplicates.
  const options = { lineCounter, prettyErrors: false, version: '1.2', merge: false, uniqueKeys: false } as const
  const documents = parseAllDocuments(text, { ...options, schema: 'core', resolveKnownTags: false, logLevel: 'silent' })
  const [document, second] = Array.isArray(documents) ? documents : []
  if (!document || document.contents === null)
    throw new RepaveError('FILE_SYNTAX', `${file} is empty`, {
      hint: '`repave init` writes a stack file that works',
      at: { file },
    })
  const [problem] = [...document.errors, ...document.warnings]
  if (problem)
    throw new RepaveError('FILE_SYNTAX', `${file} is not valid ${format}: ${reasonOf(problem)}`, {
      hint: problem.code === 'TAB_AS_INDENT' ? 'indent with spaces' : `correct the ${format} at this place`,
      at: at(problem.pos[0]),
    })
  if (second)
    throw new RepaveError('FILE_SYNTAX', `${file} holds more than one document`, {
      hint: 'keep one stack in a file, and take out the line `---` that begins the second',
      at: at(second.range[0]),
    })
  return document
}

function reasonOf({ code, message }: YAMLError): string {
  return code === 'RESOURCE_EXHAUSTION' ? 'it is nested too deeply' : message
}
