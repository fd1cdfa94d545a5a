/** Reads a stack file for one environment. The only way into this folder for commands; import it when it is needed. */
import { stat } from 'node:fs/promises'
import { basename, dirname, extname, join, resolve } from 'node:path'
import { RepaveError } from '../errors.ts'
import type { Stack } from '../model/stack.ts'
import { checkFiles } from './check-files.ts'
import { checkStack } from './check.ts'
import { stackDefinition, type StackDefinition } from './definition.ts'
import { chooseEnvironment } from './environments.ts'
import { stackFileError, type Finding, type Source } from './finding.ts'
import { interpret } from './interpret.ts'
import { findingsFromIssues } from './issues.ts'
import { jsonSource } from './json-source.ts'
import { readTextFile } from '../system/read-file.ts'
import { typescriptSource } from './typescript-source.ts'
import { yamlSource } from './yaml-source.ts'

export const stackFileNames = ['repave.yaml', 'repave.yml', 'repave.json', 'repave.ts']

const maxStackFileBytes = 1024 * 1024

export interface LoadRequest {
  /** Where to look for a stack file, and where a relative `file` starts. */
  readonly folder: string
  readonly file?: string | undefined
  /** Needed when the file declares several. */
  readonly environment?: string | undefined
}

export interface LoadedStack {
  readonly stack: Stack
  /** Absolute path of the stack file. */
  readonly file: string
  /** What the file says, without defaults: for `explainDefaults`. */
  readonly definition: StackDefinition
}

/** Throws FILE_NOT_FOUND, FILE_…, PATH_ESCAPES, ENVIRONMENT_UNKNOWN, or USAGE where a choice has to be made. */
export async function loadStack({ folder, file: wanted, environment }: LoadRequest): Promise<LoadedStack> {
  const file = wanted === undefined ? await findStackFile(folder) : resolve(folder, wanted)
  const source = await readSource(file)
  const definition = parseDefinition(source)
  const choice = chooseEnvironment(definition, environment)
  if (choice.kind === 'refused') throw stackFileError([choice.finding], source)
  const stack = interpret(definition, choice.environment, dirname(file))
  refuse(checkStack(definition, stack), source)
  refuse(await checkFiles(definition, stack, dirname(file)), source)
  return { stack, file, definition }
}

async function findStackFile(folder: string): Promise<string> {
  const found: string[] = []
  for (const name of stackFileNames) if (await exists(join(folder, name))) found.push(join(folder, name))
  const [file, ...others] = found
  if (file === undefined)
    throw new RepaveError('FILE_NOT_FOUND', `there is no stack file in ${resolve(folder)}`, {
      hint: '`repave init` writes one; -f FILE names one elsewhere',
    })
  if (others.length > 0)
    throw new RepaveError(
      'USAGE',
      `${resolve(folder)} has several stack files: ${found.map((each) => basename(each)).join(', ')}`,
      {
        hint: 'say which with -f FILE, or keep one',
      },
    )
  return resolve(file)
}

async function exists(file: string): Promise<boolean> {
  return stat(file).then(
    () => true,
    () => false,
  )
}

async function readSource(file: string): Promise<Source> {
  const format = extname(file)
  if (!['.yaml', '.yml', '.json', '.ts'].includes(format))
    throw new RepaveError('USAGE', `${file} has no ending that a stack file has`, {
      hint: 'name it with .yaml, .yml, .json or .ts',
      at: { file },
    })
  const text = await readTextFile(file, maxStackFileBytes, '`repave init` writes a stack file; -f FILE names one')
  if (format === '.json') return jsonSource(file, text)
  if (format === '.ts') return typescriptSource(file, String((await stat(file)).mtimeMs))
  return yamlSource(file, text)
}

function parseDefinition(source: Source): StackDefinition {
  const parsed = stackDefinition.safeParse(source.value)
  if (parsed.success) return parsed.data
  throw stackFileError(findingsFromIssues(parsed.error.issues, source.value), source)
}

function refuse(findings: readonly Finding[], source: Source): void {
  if (findings.length > 0) throw stackFileError(findings, source)
}
