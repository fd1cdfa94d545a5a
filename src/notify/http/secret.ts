/** The key that signs a webhook's notifications, from the file that its owner keeps it in. */
import { type FileHandle, open } from 'node:fs/promises'
import { constants } from 'node:fs'
import { RepaveError } from '../../errors.ts'
import { errorCode } from '../../system/error-code.ts'

const maxBytes = 1_024
/** By the specification "Standard Webhooks": between 24 and 64 bytes. */
const leastKeyBytes = 24
const mostKeyBytes = 64
const prefix = 'whsec_'

/** Throws NOTIFICATION_FAILED for a file that others may read, or that holds no key. */
export async function readSecret(file: string): Promise<string> {
  await using handle = await open(file, constants.O_RDONLY | constants.O_NONBLOCK).catch((cause: unknown) => {
    throw unusable(file, errorCode(cause) === 'ENOENT' ? 'does not exist' : `can't be read (${errorCode(cause)})`)
  })
  await refuseUnsafe(handle, file)
  const { bytesRead, buffer } = await handle.read(Buffer.alloc(maxBytes), 0, maxBytes, 0)
  const text = buffer.toString('utf8', 0, bytesRead).trim()
  const key = /^whsec_([A-Za-z0-9+/]+={0,2})$/.exec(text)?.[1]
  const keyBytes = Buffer.from(key ?? '', 'base64').length
  if (keyBytes >= leastKeyBytes && keyBytes <= mostKeyBytes) return text
  throw unusable(file, `does not hold ${prefix} and a key of ${leastKeyBytes} to ${mostKeyBytes} bytes in base64`)
}

async function refuseUnsafe(handle: FileHandle, file: string): Promise<void> {
  const found = await handle.stat()
  const own = process.getuid?.() ?? 0
  if (!found.isFile()) throw unusable(file, 'is not a regular file')
  if (found.uid !== own && found.uid !== 0) throw unusable(file, `belongs to another user (uid ${found.uid})`)
  if ((found.mode & 0o077) !== 0) throw unusable(file, 'can be read or written by others than its owner')
}

/** What the file holds is never told. */
function unusable(file: string, why: string): RepaveError {
  return new RepaveError('NOTIFICATION_FAILED', `the webhook's secret ${file} ${why}`, {
    hint: `make one with \`(umask 077; echo ${prefix}$(openssl rand -base64 32) > ${file})\`, and give it to the receiver`,
  })
}
