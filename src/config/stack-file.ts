/** Finds a stack file and reads it as plain data, in whichever of its formats. */
import { stat } from 'node:fs/promises'
import { basename, extname, join, resolve } from 'node:path'
import { RepaveError } from '../errors.ts'
import { readTextFile } from '../system/read-file.ts'
import type { Source } from './finding.ts'

export const stackFileNames = ['repave.yaml', 'repave.yml', 'repave.json', 'repave.ts']

const maxStackFileBytes = 1024 * 1024

/** Where a stack file is looked for: relative to `folder`, or in it where none is named. */
export interface StackFileChoice {
  readonly folder: string
  readonly file?: string | undefined
}

/** Throws FILE_NOT_FOUND, FILE_UNREADABLE, FILE_TOO_LARGE, FILE_SYNTAX, or USAGE where a choice has to be made. */
export async function readStackFile({ folder, file }: StackFileChoice): Promise<Source> {
  return readSource(file === undefined ? await findStackFile(folder) : resolve(folder, file))
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

export type StackFileFormat = 'yaml' | 'json' | 'typescript'

const formats: ReadonlyMap<string, StackFileFormat> = new Map([
  ['.yaml', 'yaml'],
  ['.yml', 'yaml'],
  ['.json', 'json'],
  ['.ts', 'typescript'],
])

/** The format that the file's ending stands for; throws USAGE for any other ending. */
export function stackFileFormat(file: string): StackFileFormat {
  const format = formats.get(extname(file))
  if (format) return format
  throw new RepaveError('USAGE', `${file} has no ending that a stack file has`, {
    hint: `name it with ${[...formats.keys()].join(', ')}`,
    at: { file },
  })
}

async function readSource(file: string): Promise<Source> {
  const format = stackFileFormat(file)
  const text = await readTextFile(file, maxStackFileBytes, '`repave init` writes a stack file; -f FILE names one')
  if (format === 'json') return (await import('./json-source.ts')).jsonSource(file, text)
  if (format === 'typescript')
    return (await import('./typescript-source.ts')).typescriptSource(file, String((await stat(file)).mtimeMs))
  return (await import('./yaml-source.ts')).yamlSource(file, text)
}
