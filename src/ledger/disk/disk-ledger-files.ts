/** A ledger's files in a folder, to be copied anywhere: each is written beside its place, synced and moved there. */
import { constants } from 'node:fs'
import { mkdir, open, readdir, rename, rm, rmdir, type FileHandle } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { RepaveError } from '../../errors.ts'
import { errorCode } from '../../system/error-code.ts'
import { fileFailure } from '../../system/file-failure.ts'
import { Serial } from '../../system/serial.ts'
import { assertLedgerPath, type LedgerFile, type LedgerFiles, maxFileBytes } from '../ledger-files.ts'

/** Where files are until they are whole; no path of a ledger can lead there. */
const incoming = '.incoming'

/** How many files are under way at once: enough to keep a disk busy, far below the limit of open files. */
const writesAtOnce = 64

export class DiskLedgerFiles implements LedgerFiles {
  readonly #folder: string
  readonly #writes = new Serial()
  #isReady = false
  #temporaryFiles = 0

  /** The folder is made by the first write; reading leaves it alone. */
  constructor(folder: string) {
    this.#folder = folder
  }

  async read(path: string): Promise<Uint8Array | undefined> {
    assertLedgerPath(path)
    const file = join(this.#folder, path)
    try {
      await using handle = await open(file, constants.O_RDONLY | constants.O_NONBLOCK)
      const { size } = await handle.stat()
      if (size <= maxFileBytes) return await handle.readFile()
    } catch (error) {
      return unlessAbsent(file, error)
    }
    throw new RepaveError('FILE_TOO_LARGE', `${file} is larger than any file of a ledger`, {
      hint: 'it was put there from outside; take the ledger from another copy',
      at: { file },
    })
  }

  async write(files: readonly LedgerFile[]): Promise<void> {
    for (const { path } of files) assertLedgerPath(path)
    await this.#writes.run(() => translated(this.#folder, () => this.#writeAll(files)))
  }

  async remove(paths: readonly string[]): Promise<void> {
    paths.forEach(assertLedgerPath)
    await translated(this.#folder, async () => {
      for (const path of paths) {
        await rm(join(this.#folder, path), { force: true }).catch(ifAbsent)
        await this.#removeEmpty(dirname(path))
      }
    })
  }

  async list(folder: string): Promise<readonly string[]> {
    assertLedgerPath(folder)
    return (await this.#filesBelow(folder)).toSorted()
  }

  async #writeAll(files: readonly LedgerFile[]): Promise<void> {
    if (!this.#isReady) await this.#makeReady()
    this.#isReady = false
    for (let at = 0; at < files.length; at += writesAtOnce) await this.#writeSome(files.slice(at, at + writesAtOnce))
    this.#isReady = true
  }

  /** Also sweeps what an earlier writer, or a write that failed, has left. */
  async #makeReady(): Promise<void> {
    await makeFolder(this.#folder)
    const folder = join(this.#folder, incoming)
    await rm(folder, { recursive: true, force: true })
    await mkdir(folder, { mode: 0o700 })
  }

  async #writeSome(files: readonly LedgerFile[]): Promise<void> {
    const folders = [...new Set(files.map(({ path }) => join(this.#folder, dirname(path))))]
    const [temporary] = await Promise.all([
      Promise.all(files.map(({ bytes }) => this.#writeTemporary(bytes))),
      // One after the other: two that make the same parent would each leave it to the other to sync it.
      inTurn(folders, makeFolder),
    ])
    await Promise.all(files.map(({ path }, index) => rename(temporary[index]!, join(this.#folder, path))))
    await Promise.all(folders.map(sync))
  }

  async #writeTemporary(bytes: Uint8Array): Promise<string> {
    const file = join(this.#folder, incoming, String(this.#temporaryFiles++))
    await using handle = await open(file, 'w', 0o644)
    await handle.writeFile(bytes)
    await handle.datasync()
    return file
  }

  async #removeEmpty(folder: string): Promise<void> {
    try {
      for (let path = folder; path !== '.'; path = dirname(path)) await rmdir(join(this.#folder, path))
    } catch (error) {
      if (!['ENOTEMPTY', 'EEXIST', 'ENOENT', 'ENOTDIR'].includes(errorCode(error) ?? '')) throw error
    }
  }

  async #filesBelow(folder: string): Promise<readonly string[]> {
    const entries = await readdir(join(this.#folder, folder), { withFileTypes: true }).catch(ifAbsent)
    const found = (entries ?? []).map(async (entry) => {
      const path = `${folder}/${entry.name}`
      return entry.isDirectory() ? this.#filesBelow(path) : [path]
    })
    return (await Promise.all(found)).flat()
  }
}

/** Makes a folder and those above it, all of them durable. */
async function makeFolder(folder: string): Promise<void> {
  const first = await mkdir(folder, { recursive: true, mode: 0o755 })
  if (first === undefined) return
  for (let made = folder; made.length >= first.length; made = dirname(made)) await sync(dirname(made))
}

async function sync(folder: string): Promise<void> {
  await using handle: FileHandle = await open(folder, constants.O_RDONLY | constants.O_DIRECTORY)
  await handle.sync()
}

async function inTurn<T>(items: readonly T[], action: (item: T) => Promise<void>): Promise<void> {
  for (const item of items) await action(item)
}

function ifAbsent(error: unknown): undefined {
  if (!['ENOENT', 'ENOTDIR'].includes(errorCode(error) ?? '')) throw error
}

function unlessAbsent(file: string, cause: unknown): undefined {
  const code = errorCode(cause)
  if (['ENOENT', 'ENOTDIR', 'EISDIR'].includes(code ?? '')) return undefined
  throw new RepaveError('FILE_UNREADABLE', `${file} can't be read (${code ?? 'unknown reason'})`, {
    hint: 'check its permissions',
    at: { file },
    cause,
  })
}

async function translated(folder: string, action: () => Promise<void>): Promise<void> {
  try {
    await action()
  } catch (error) {
    throw fileFailure(folder, error)
  }
}
