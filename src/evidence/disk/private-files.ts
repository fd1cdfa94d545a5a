/** Files for their owner alone, whole and durable or not there. */
import { constants } from 'node:fs'
import { mkdir, open, rename, rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import { errorCode } from '../../system/error-code.ts'

/** Its parent has to be there: Node's own `recursive` never returns where one refuses with ENOENT, as /proc does. */
export async function makePrivateFolder(folder: string): Promise<void> {
  try {
    await mkdir(folder, { mode: 0o700 })
  } catch (error) {
    if (errorCode(error) !== 'EEXIST') throw error
  }
}

/** Written beside its place under `temporary`, which is not left behind. */
export async function writeDurably(
  file: string,
  content: string | Uint8Array,
  temporary = `${file}.new`,
): Promise<void> {
  try {
    await rm(temporary, { force: true })
    {
      await using handle = await open(temporary, 'wx', 0o600)
      await handle.writeFile(content)
      await handle.sync()
    }
    await rename(temporary, file)
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => {})
    throw error
  }
  await syncFolder(dirname(file))
}

export async function syncFolder(folder: string): Promise<void> {
  await using handle = await open(folder, constants.O_RDONLY | constants.O_DIRECTORY)
  await handle.sync()
}
