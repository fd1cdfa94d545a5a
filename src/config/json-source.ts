/** Strict JSON (RFC 8259) with positions. */
import { parseTree, printParseErrorCode, type ParseError } from 'jsonc-parser'
import { RepaveError } from '../errors.ts'
import type { Source } from './finding.ts'
import { yamlSource } from './yaml-source.ts'

/** What is JSON is YAML too, so the YAML reader takes it from there: positions, duplicates and limits are the same. */
export function jsonSource(file: string, text: string): Source {
  const [problem] = syntaxErrors(text)
  if (!problem) return yamlSource(file, text, 'JSON')
  const before = text.slice(0, problem.offset).split('\n')
  throw new RepaveError('FILE_SYNTAX', `${file} is not valid JSON: ${words(problem)}`, {
    hint: 'JSON has no comments and no trailing commas; for those, name the file repave.yaml',
    at: { file, line: before.length, column: (before.at(-1)?.length ?? 0) + 1 },
  })
}

function syntaxErrors(text: string): readonly ParseError[] {
  const errors: ParseError[] = []
  try {
    parseTree(text, errors, { disallowComments: true, allowTrailingComma: false, allowEmptyContent: true })
  } catch (error) {
    // The parser is recursive, and the nesting of a file is up to whoever wrote it.
    if (!(error instanceof RangeError)) throw error
    return []
  }
  return errors
}

/** `PropertyNameExpected` as `property name expected`. */
function words({ error }: ParseError): string {
  return printParseErrorCode(error)
    .replace(/(?<=[a-z])(?=[A-Z])/g, ' ')
    .toLowerCase()
}
