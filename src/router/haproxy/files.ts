/** The files of the router's folder, written so that a crash leaves either the old or the new one. */
import { randomUUID } from 'node:crypto'
import { chmod, mkdir, readdir, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { errorCode } from '../../system/error-code.ts'
import { fileFailure } from '../../system/file-failure.ts'

/** Makes `folder`, for its owner only, and folders with their modes in it. */
export async function makeFolders(folder: string, subfolders: Readonly<Record<string, number>>): Promise<void> {
  await translated(folder, async () => {
    await mkdir(folder, { recursive: true, mode: 0o700 })
    for (const [name, mode] of Object.entries(subfolders)) {
      await mkdir(join(folder, name), { recursive: true })
      await chmod(join(folder, name), mode)
    }
  })
}

/** `flush`: also a crash of the machine leaves one of the two, which takes a disk's time. */
export async function replaceFile(path: string, text: string, { flush = true } = {}): Promise<void> {
  await translated(path, async () => {
    const temporary = `${path}.${randomUUID()}`
    try {
      await writeFile(temporary, text, { mode: 0o600, flush })
      await rename(temporary, path)
    } finally {
      await rm(temporary, { force: true })
    }
  })
}

/** Removes what is in `folder`, but for `kept`. */
export async function sweep(folder: string, kept: readonly string[] = []): Promise<void> {
  await translated(folder, async () => {
    const names = await readdir(folder).catch(ifMissing)
    await Promise.all((names ?? []).filter((name) => !kept.includes(name)).map((name) => remove(join(folder, name))))
  })
}

async function remove(path: string): Promise<void> {
  await rm(path, { force: true })
}

function ifMissing(error: unknown): undefined {
  if (errorCode(error) !== 'ENOENT') throw error
}

async function translated(path: string, action: () => Promise<void>): Promise<void> {
  try {
    await action()
  } catch (error) {
    throw fileFailure(path, error)
  }
}
