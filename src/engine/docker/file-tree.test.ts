import { execFileSync } from 'node:child_process'
import { closeSync } from 'node:fs'
import { mkdir, symlink, truncate, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { temporaryFolder } from '../../system/temporary-folder.ts'
import { changedFiles, FileBudget } from './collected-files.ts'
import { openFolder, pathText, walk } from './file-tree.ts'

const limits = { entries: 1_000, depth: 16 }

function paths(root: string, most = limits): { readonly paths: readonly string[]; readonly isCut: boolean } {
  const folder = openFolder(root, '')
  try {
    const found = walk(folder, most)
    return { paths: [...found.entries].map(({ path }) => pathText(path)), isCut: found.isCut() }
  } finally {
    closeSync(folder)
  }
}

test('a walk never leaves its tree, and never opens what is no file', async () => {
  await using outside = await temporaryFolder()
  await outside.write('secret', 'not to be read')
  await using root = await temporaryFolder()
  await root.write('a/file', 'content')
  await symlink(outside.path, join(root.path, 'folder'))
  await symlink(join(outside.path, 'secret'), join(root.path, 'link'))
  execFileSync('mkfifo', [join(root.path, 'pipe')])
  const socket = createServer().listen(join(root.path, 'socket'))
  const folder = openFolder(root.path, '')
  const read: string[][] = []
  for (const entry of walk(folder, limits).entries) read.push([pathText(entry.path), entry.read(100).toString()])
  closeSync(folder)
  socket.close()
  expect(read).toEqual([
    ['a', ''],
    ['a/file', 'content'],
    ['folder', ''],
    ['link', ''],
    ['pipe', ''],
    ['socket', ''],
  ])
})

test('a tree is not begun through a link', async () => {
  await using outside = await temporaryFolder()
  await using root = await temporaryFolder()
  await mkdir(join(outside.path, 'below'))
  await symlink(outside.path, join(root.path, 'link'))
  expect(() => openFolder(root.path, 'link')).toThrow('ENOTDIR')
  expect(() => openFolder(root.path, 'link/below')).toThrow('ENOTDIR')
})

test('names are told exactly, whatever their bytes', async () => {
  await using root = await temporaryFolder()
  for (const name of [
    [0x66, 0x0a],
    [0xff, 0xfe],
    [0x5c, 0x78],
    [0xc3, 0xa9],
  ])
    await writeFile(Buffer.concat([Buffer.from(`${root.path}/`), Buffer.from(name)]), '')
  expect(paths(root.path).paths).toEqual([String.raw`\x5cx`, String.raw`f\x0a`, 'é', String.raw`\xff\xfe`])
})

test('a walk ends at its limits, and says so', async () => {
  await using root = await temporaryFolder()
  await mkdir(join(root.path, 'a/b/c/d'), { recursive: true })
  expect(paths(root.path, { entries: 10, depth: 2 })).toEqual({ paths: ['a', 'a/b'], isCut: true })
  expect(paths(root.path, { entries: 3, depth: 9 })).toEqual({ paths: ['a', 'a/b', 'a/b/c'], isCut: true })
  expect(paths(root.path, { entries: 4, depth: 9 })).toEqual({ paths: ['a', 'a/b', 'a/b/c', 'a/b/c/d'], isCut: false })
})

test('what an upper layer holds is told from what the layers below hold', async () => {
  await using upper = await temporaryFolder()
  await using lower = await temporaryFolder()
  await lower.write('etc/changed', 'before')
  await lower.write('etc/kept', 'as it was')
  await lower.write('deleted', 'gone')
  await upper.write('etc/changed', 'after')
  await upper.write('etc/new', 'new')
  await mkdir(join(upper.path, 'data'))
  execFileSync('mknod', [join(upper.path, 'deleted'), 'c', '0', '0'])
  const layers = { upper: upper.path, lower: [lower.path] }
  const parts = await Array.fromAsync(changedFiles(layers, new Set(['/data']), new FileBudget()))
  const [index, ...contents] = parts.map((part) => (part.kind === 'found' ? Buffer.from(part.content).toString() : ''))
  const { files } = JSON.parse(index ?? '')
  expect(files.map(({ path, change }: { path: string; change: string }) => `${change} ${path}`)).toEqual([
    'deleted deleted',
    'changed etc/changed',
    'new etc/new',
  ])
  expect(contents).toEqual(['after', 'new'])
})

test('what is too large is kept in part, and the index says how much', async () => {
  await using upper = await temporaryFolder()
  await upper.write('huge', '')
  await truncate(join(upper.path, 'huge'), 2 ** 40)
  const budget = new FileBudget()
  const parts = await Array.fromAsync(changedFiles({ upper: upper.path, lower: [] }, new Set(), budget))
  expect(parts.map(({ kind, name }) => `${kind} ${name}`)).toEqual([
    'found changes.json',
    'missing files',
    'found files/huge',
  ])
  expect(parts[2]).toMatchObject({ content: { length: budget.bytesEach } })
})
