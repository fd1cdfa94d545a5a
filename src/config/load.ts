/** Reads a stack file for one environment. The only way into this folder for commands; import it when it is needed. */
import { dirname } from 'node:path'
import type { FilePosition, StackFilePart } from '../errors.ts'
import type { Stack } from '../model/stack.ts'
import { checkFiles } from './check-files.ts'
import { checkStack } from './check.ts'
import { stackDefinition, type StackDefinition } from './definition.ts'
import { chooseEnvironment, originOf } from './environments.ts'
import { stackFileError, type Finding, type Source } from './finding.ts'
import { interpret } from './interpret.ts'
import { findingsFromIssues } from './issues.ts'
import { readStackFile, type StackFileChoice } from './stack-file.ts'

export interface LoadRequest extends StackFileChoice {
  /** Needed when the file declares several. */
  readonly environment?: string | undefined
}

export interface LoadedStack {
  readonly stack: Stack
  /** Absolute path of the stack file. */
  readonly file: string
  /** What the file says, without defaults: for `explainDefaults`. */
  readonly definition: StackDefinition
  /** Where the file has a part of `stack`: in the environment where that says it, else in the service. */
  readonly positionOf: (part: StackFilePart) => FilePosition
}

/** Throws FILE_NOT_FOUND, FILE_…, PATH_ESCAPES, ENVIRONMENT_UNKNOWN, or USAGE where a choice has to be made. */
export async function loadStack({ environment, ...choice }: LoadRequest): Promise<LoadedStack> {
  const source = await readStackFile(choice)
  const { file } = source
  const definition = parseDefinition(source)
  const chosen = chooseEnvironment(definition, environment)
  if (chosen.kind === 'refused') throw stackFileError([chosen.finding], source)
  const stack = interpret(definition, chosen.environment, dirname(file))
  refuse(checkStack(definition, stack), source)
  refuse(await checkFiles(definition, stack, dirname(file)), source)
  const positionOf = (part: StackFilePart) => positionOfPart(part, source, definition, stack.environment)
  return { stack, file, definition, positionOf }
}

function positionOfPart(
  part: StackFilePart,
  source: Source,
  definition: StackDefinition,
  environment: string,
): FilePosition {
  const [, service, key, ...rest] = part
  if (key === undefined) return source.positionOf(part, 'key')
  const { path } = originOf(definition, environment, String(service), [String(key)])
  return source.positionOf([...path, ...rest], 'value')
}

function parseDefinition(source: Source): StackDefinition {
  const parsed = stackDefinition.safeParse(source.value)
  if (parsed.success) return parsed.data
  throw stackFileError(findingsFromIssues(parsed.error.issues, source.value), source)
}

function refuse(findings: readonly Finding[], source: Source): void {
  if (findings.length > 0) throw stackFileError(findings, source)
}
