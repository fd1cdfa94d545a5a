/** Reading a file that someone names, whatever it turns out to be: never without bounds, never blocking. */
import { constants } from 'node:fs'
import { open, stat, type FileHandle } from 'node:fs/promises'
import { RepaveError } from '../errors.ts'
import { errorCode } from './error-code.ts'

/** The text of a regular UTF-8 file of at most `maxBytes`, without a byte order mark. */
export async function readTextFile(file: string, maxBytes: number, hint: string): Promise<string> {
  const bytes = await readBytes(file, maxBytes, hint)
  if (bytes.includes(0))
    throw new RepaveError('FILE_SYNTAX', `${file} holds a NUL byte: it is not a text file`, { hint, at: { file } })
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch (cause) {
    throw new RepaveError('FILE_SYNTAX', `${file} is not UTF-8 text`, { hint: 'save it as UTF-8', at: { file }, cause })
  }
}

async function readBytes(file: string, maxBytes: number, hint: string): Promise<Buffer> {
  try {
    // Looked at before it is opened: opening a device can have effects, and opening a pipe waits for its writer.
    if ((await stat(file)).isFile()) {
      await using handle = await open(file, constants.O_RDONLY | constants.O_NONBLOCK)
      if ((await handle.stat()).isFile()) return await readAtMost(handle, file, maxBytes, hint)
    }
  } catch (error) {
    throw translate(error, file, hint)
  }
  throw new RepaveError('FILE_UNREADABLE', `${file} is not a regular file`, { hint, at: { file } })
}

async function readAtMost(handle: FileHandle, file: string, maxBytes: number, hint: string): Promise<Buffer> {
  const buffer = Buffer.alloc(Math.min((await handle.stat()).size, maxBytes) + 1)
  let length = 0
  while (length < buffer.length) {
    const { bytesRead } = await handle.read(buffer, length, buffer.length - length)
    if (bytesRead === 0) return buffer.subarray(0, length)
    length += bytesRead
  }
  const limit = `${Math.floor(maxBytes / 1024)} KiB`
  throw new RepaveError('FILE_TOO_LARGE', `${file} is larger than ${limit}`, { hint, at: { file } })
}

function translate(error: unknown, file: string, hint: string): unknown {
  if (error instanceof RepaveError) return error
  const code = errorCode(error)
  if (code === 'ENOENT' || code === 'ENOTDIR')
    return new RepaveError('FILE_NOT_FOUND', `${file} does not exist`, { hint, at: { file }, cause: error })
  return new RepaveError('FILE_UNREADABLE', `${file} can't be read (${code ?? 'unknown reason'})`, {
    hint: 'check its permissions',
    at: { file },
    cause: error,
  })
}
