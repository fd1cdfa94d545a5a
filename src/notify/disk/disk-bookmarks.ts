/** Bookmarks in a small file of the state folder. */
import { open, rename, rm } from 'node:fs/promises'
import { z } from 'zod'
import { RepaveError } from '../../errors.ts'
import { fileFailure } from '../../system/file-failure.ts'
import { readTextFile } from '../../system/read-file.ts'
import type { Bookmark, Bookmarks } from '../notify.ts'

const maxBytes = 4 * 1024 * 1024
const sequence = z.int().min(-1)
const form = z.strictObject({
  form: z.literal(1),
  receivers: z.record(z.string(), z.strictObject({ after: sequence, open: z.array(sequence) })),
})

export class DiskBookmarks implements Bookmarks {
  readonly #file: string

  constructor(file: string) {
    this.#file = file
  }

  async read(): Promise<ReadonlyMap<string, Bookmark>> {
    const text = await readTextFile(this.#file, maxBytes, 'remove it').catch(ifUnusable)
    const kept = text === undefined ? undefined : form.safeParse(parsed(text)).data
    return new Map(Object.entries(kept?.receivers ?? {}))
  }

  /** Written aside, and renamed: a file that a controller died over is never half of it. */
  async write(bookmarks: ReadonlyMap<string, Bookmark>): Promise<void> {
    const temporary = `${this.#file}.new`
    try {
      await rm(temporary, { force: true })
      {
        await using handle = await open(temporary, 'wx', 0o600)
        await handle.writeFile(`${JSON.stringify({ form: 1, receivers: Object.fromEntries(bookmarks) })}\n`)
        await handle.datasync()
      }
      await rename(temporary, this.#file)
    } catch (error) {
      throw fileFailure(this.#file, error)
    }
  }
}

function ifUnusable(error: unknown): undefined {
  if (error instanceof RepaveError) return undefined
  throw error
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
