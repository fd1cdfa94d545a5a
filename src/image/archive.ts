/** Files as a tar stream without owners and times: the same for the same content. */
import { createHash } from 'node:crypto'
import { constants } from 'node:fs'
import { open, type FileHandle } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { pack, type Header, type Pack } from 'tar-stream'
import { RepaveError } from '../errors.ts'

/** One file of an archive; `path` is relative, `hash` the SHA-256 of its content in hex. */
export type Entry =
  | {
      readonly kind: 'file'
      readonly path: string
      readonly mode: number
      readonly size: number
      readonly hash: string
    }
  | { readonly kind: 'folder'; readonly path: string; readonly mode: number }
  | { readonly kind: 'link'; readonly path: string; readonly target: string }

type EntryHeader = Partial<Header> & Pick<Header, 'name'>

/** Fails with FILE_UNREADABLE at a file that is no longer what its hash says. */
export function tarOf(context: string, entries: readonly Entry[]): Readable {
  const tar = pack()
  writeEntries(tar, context, entries).then(
    () => tar.finalize(),
    (error: Error) => tar.destroy(error),
  )
  // What the archive library makes is a stream of its own kind.
  return Readable.from(tar, { objectMode: false })
}

async function writeEntries(tar: Pack, context: string, entries: readonly Entry[]): Promise<void> {
  const owner = { uid: 0, gid: 0, mtime: new Date(0) }
  for (const entry of entries) {
    const { kind, path } = entry
    if (kind === 'folder') tar.entry({ ...owner, name: `${path}/`, type: 'directory', mode: entry.mode })
    else if (kind === 'link') tar.entry({ ...owner, name: path, type: 'symlink', linkname: entry.target, mode: 0o777 })
    else
      await writeFileEntry(
        tar,
        join(context, path),
        { ...owner, name: path, mode: entry.mode, size: entry.size },
        entry.hash,
      )
  }
}

async function writeFileEntry(tar: Pack, file: string, header: EntryHeader, expected: string): Promise<void> {
  const { promise: written, resolve, reject } = Promise.withResolvers<void>()
  const sink = tar.entry(header, (error) => (error ? reject(error) : resolve(undefined)))
  await Promise.all([pipeline(unchanged(file, expected), sink), written])
}

/** The content of `file`; fails at its end when it is not what its hash says. */
async function* unchanged(file: string, expected: string): AsyncGenerator<Buffer> {
  const hash = createHash('sha256')
  for await (const chunk of contentOf(file)) {
    hash.update(chunk)
    yield chunk
  }
  if (hash.digest('hex') === expected) return
  throw new RepaveError('FILE_UNREADABLE', `${file} changed while it was read for a build`, {
    hint: 'run the command again when nothing writes to the build context',
    at: { file },
  })
}

/** In chunks of its own, so that a large file never fills memory; a link that took the file's place is not followed. */
export async function* contentOf(file: string): AsyncGenerator<Buffer> {
  await using handle: FileHandle = await open(file, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
  for (;;) {
    const { bytesRead, buffer } = await handle.read(Buffer.allocUnsafe(65_536), 0, 65_536)
    if (bytesRead === 0) return
    yield buffer.subarray(0, bytesRead)
  }
}
