/** What every place of a ledger's files must do; run against each implementation. */
import { beforeEach, describe, expect, test } from 'vitest'
import type { LedgerFiles } from './ledger-files.ts'

const bytes = (...values: readonly number[]) => Uint8Array.from(values)

/** `reopen` gives the files as another process would find them. */
export function ledgerFilesContract(
  name: string,
  setup: () => Promise<{ files: LedgerFiles; reopen?: () => LedgerFiles }>,
): void {
  describe(`the ledger files contract on ${name}`, () => {
    let files: LedgerFiles
    let reopen: (() => LedgerFiles) | undefined
    const contentOf = async (path: string) => [...((await files.read(path)) ?? [])]
    beforeEach(async () => {
      ;({ files, reopen } = await setup())
    })

    test('what was written is read', async () => {
      await files.write([
        { path: 'checkpoint', bytes: bytes(1) },
        { path: 'tile/0/x001/234.p/17', bytes: bytes(2, 3) },
        { path: 'tile/entries/000', bytes: bytes() },
      ])
      expect(await contentOf('checkpoint')).toEqual([1])
      expect(await contentOf('tile/0/x001/234.p/17')).toEqual([2, 3])
      expect(await files.read('tile/entries/000')).toHaveLength(0)
    })

    test('a file that is not there, or is a folder, reads as undefined', async () => {
      await files.write([{ path: 'tile/0/000', bytes: bytes(1) }])
      for (const path of ['checkpoint', 'tile', 'tile/0', 'tile/0/001', 'tile/0/000/p'])
        expect(await files.read(path)).toBeUndefined()
    })

    test('a file is replaced as a whole', async () => {
      await files.write([{ path: 'checkpoint', bytes: bytes(1, 2, 3) }])
      await files.write([{ path: 'checkpoint', bytes: bytes(4) }])
      expect(await contentOf('checkpoint')).toEqual([4])
    })

    test('what was handed over or read may be changed afterwards', async () => {
      const handed = bytes(1)
      await files.write([{ path: 'checkpoint', bytes: handed }])
      handed[0] = 9
      const read = await files.read('checkpoint')
      read![0] = 8
      expect(await contentOf('checkpoint')).toEqual([1])
    })

    test('a listing has each file below the folder and nothing else', async () => {
      const paths = ['tile/0/001', 'tile/0/000', 'tile/entries/000.p/7', 'checkpoint']
      await files.write(paths.map((path) => ({ path, bytes: bytes() })))
      expect(await files.list('tile')).toEqual(['tile/0/000', 'tile/0/001', 'tile/entries/000.p/7'])
      expect(await files.list('tile/0')).toEqual(['tile/0/000', 'tile/0/001'])
      expect(await files.list('tile/1')).toEqual([])
      expect(await files.list('til')).toEqual([])
    })

    test('what is removed is gone, with the folders that are empty then', async () => {
      await files.write(['tile/0/000.p/1', 'tile/0/000'].map((path) => ({ path, bytes: bytes() })))
      await files.remove(['tile/0/000.p/1', 'tile/0/000.p/2', 'tile/9/000'])
      expect(await files.list('tile')).toEqual(['tile/0/000'])
      await files.write([{ path: 'tile/0/000.p', bytes: bytes(5) }])
      expect(await contentOf('tile/0/000.p')).toEqual([5])
    })

    test('many files are written at once', async () => {
      const paths = Array.from({ length: 300 }, (_, index) => `tile/0/${String(index).padStart(3, '0')}`)
      await files.write(paths.map((path) => ({ path, bytes: bytes(1) })))
      expect(await files.list('tile')).toEqual(paths)
    })

    test.each(['../checkpoint', '/etc/passwd', 'tile/../../x', 'tile//0', '', '.', 'tile/.hidden', 'tile/a\0b'])(
      'the path %j is refused',
      async (path) => {
        const refused = expect.objectContaining({ code: 'PATH_ESCAPES' })
        await expect(files.read(path)).rejects.toThrow(refused)
        await expect(files.write([{ path, bytes: bytes() }])).rejects.toThrow(refused)
        await expect(files.remove([path])).rejects.toThrow(refused)
        await expect(files.list(path)).rejects.toThrow(refused)
      },
    )

    test('what was written is there for the next process', async (context) => {
      if (!reopen) return context.skip('files in memory end with their object')
      await files.write([{ path: 'tile/0/000', bytes: bytes(7) }])
      files = reopen()
      expect(await contentOf('tile/0/000')).toEqual([7])
    })
  })
}
