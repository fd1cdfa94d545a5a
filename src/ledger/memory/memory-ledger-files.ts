/** A ledger's files that last as long as their object: for tests and the simulator. */
import { assertLedgerPath, type LedgerFiles } from '../ledger-files.ts'

export class MemoryLedgerFiles implements LedgerFiles {
  readonly #files = new Map<string, Uint8Array>()

  async read(path: string): Promise<Uint8Array | undefined> {
    assertLedgerPath(path)
    return this.#files.get(path)?.slice()
  }

  async write(files: Parameters<LedgerFiles['write']>[0]): Promise<void> {
    for (const { path } of files) assertLedgerPath(path)
    for (const { path, bytes } of files) this.#files.set(path, Uint8Array.from(bytes))
  }

  async remove(paths: readonly string[]): Promise<void> {
    paths.forEach(assertLedgerPath)
    for (const path of paths) this.#files.delete(path)
  }

  async list(folder: string): Promise<readonly string[]> {
    assertLedgerPath(folder)
    return this.#files
      .keys()
      .filter((path) => path.startsWith(`${folder}/`))
      .toArray()
      .toSorted()
  }
}
