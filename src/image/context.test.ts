import { execFileSync } from 'node:child_process'
import { chmod, rename, symlink, utimes } from 'node:fs/promises'
import { buffer } from 'node:stream/consumers'
import * as fc from 'fast-check'
import { extract, type Header } from 'tar-stream'
import { expect, test } from 'vitest'
import { temporaryFolder, type TemporaryFolder } from '../system/temporary-folder.ts'
import { readContext, type BuildContext, type ContextLimits } from './context.ts'

interface Options {
  readonly arguments?: Readonly<Record<string, string>>
  readonly dockerfile?: string
  readonly limits?: ContextLimits
}

function contextOf(folder: TemporaryFolder, options: Options = {}): Promise<BuildContext> {
  const dockerfile = `${folder.path}/${options.dockerfile ?? 'Dockerfile'}`
  const source = { kind: 'build', context: folder.path, dockerfile, arguments: options.arguments ?? {} } as const
  return readContext(source, options.limits)
}

interface ArchivedFile {
  readonly header: Header
  readonly content: string
}

async function archiveOf(context: BuildContext): Promise<readonly ArchivedFile[]> {
  const files: ArchivedFile[] = []
  const archive = extract()
  archive.end(await buffer(context.open()))
  for await (const entry of archive) {
    const chunks: Uint8Array[] = []
    for await (const chunk of entry as AsyncIterable<Uint8Array>) chunks.push(chunk)
    files.push({ header: entry.header, content: Buffer.concat(chunks).toString() })
  }
  return files
}

async function namesOf(context: BuildContext): Promise<readonly string[]> {
  return (await archiveOf(context)).map(({ header }) => header.name)
}

test('a context is its files, sorted, without owners or times', async () => {
  await using folder = await temporaryFolder()
  await folder.write('web/index.html', 'hello')
  await folder.write(`web/${'long-name'.repeat(15)}.txt`, 'x')
  await folder.write('Dockerfile', 'FROM scratch')
  await folder.write('run', '#!')
  await chmod(`${folder.path}/run`, 0o4750)
  await symlink('/etc/passwd', `${folder.path}/link`)
  const context = await contextOf(folder)
  expect(context.dockerfile).toBe('Dockerfile')
  const archive = await archiveOf(context)
  expect(
    archive.map(({ header: { name, type, mode, uid, gid, mtime } }) => [name, type, mode, uid, gid, +mtime]),
  ).toEqual([
    ['Dockerfile', 'file', 0o644, 0, 0, 0],
    ['link', 'symlink', 0o777, 0, 0, 0],
    ['run', 'file', 0o755, 0, 0, 0],
    ['web/', 'directory', 0o755, 0, 0, 0],
    ['web/index.html', 'file', 0o644, 0, 0, 0],
    [`web/${'long-name'.repeat(15)}.txt`, 'file', 0o644, 0, 0, 0],
  ])
  expect(archive.find(({ header }) => header.name === 'link')?.header.linkname).toBe('/etc/passwd')
  expect(archive.find(({ header }) => header.name === 'web/index.html')?.content).toBe('hello')
})

async function expectSameTwice(content: Readonly<Record<string, string>>): Promise<void> {
  await using one = await temporaryFolder()
  await using other = await temporaryFolder()
  const entries = Object.entries({ ...content, Dockerfile: 'FROM scratch' })
  for (const [name, text] of entries) await one.write(name, text)
  for (const [name, text] of entries.toReversed()) await utimes(await other.write(name, text), 1000, 1000)
  const [first, second] = [await contextOf(one), await contextOf(other)]
  expect(second.inputs).toBe(first.inputs)
  expect(await buffer(second.open())).toEqual(await buffer(first.open()))
}

test('the same files are the same bytes and the same inputs, whenever and wherever they were written', async () => {
  const files = fc.dictionary(fc.stringMatching(/^[a-z]{1,6}(\/[a-z]{1,6})?\.txt$/), fc.string(), { maxKeys: 6 })
  await fc.assert(fc.asyncProperty(files, expectSameTwice), { numRuns: 25 })
})

test('whatever goes into a build changes its inputs, and nothing else does', async () => {
  await using folder = await temporaryFolder()
  await folder.write('Dockerfile', 'FROM scratch')
  await folder.write('Other', 'FROM scratch')
  const file = await folder.write('file', 'one')
  await folder.write('.dockerignore', 'ignored\n')
  const seen = [(await contextOf(folder)).inputs]
  const expectChange = async (options?: Options): Promise<void> => {
    const { inputs } = await contextOf(folder, options)
    expect(seen).not.toContain(inputs)
    seen.push(inputs)
  }
  const expectNoChange = async (): Promise<void> => {
    expect((await contextOf(folder)).inputs).toBe(seen.at(-1))
  }
  await expectChange({ arguments: { A: '1' } })
  await expectChange({ arguments: { A: '2' } })
  await expectChange({ dockerfile: 'Other' })
  await folder.write('file', 'two')
  await expectChange()
  await chmod(file, 0o755)
  await expectChange()
  await rename(file, `${folder.path}/moved`)
  await expectChange()
  await symlink('moved', `${folder.path}/link`)
  await expectChange()
  await folder.write('empty/ignored/x', '')
  await expectChange()
  await folder.write('ignored', 'by name')
  await folder.write('repave.yaml', 'stack: shop')
  await folder.write('repave.lock.json', '{}')
  await chmod(`${folder.path}/moved`, 0o700)
  await utimes(`${folder.path}/moved`, 1, 1)
  await expectNoChange()
})

test('.dockerignore is honoured as Docker does, and the Dockerfile is always there', async () => {
  await using folder = await temporaryFolder()
  const files = ['Dockerfile', 'a.md', 'keep.md', 'x/a.md', 'x/b.txt', 'node_modules/m/i.js', 'deep/x/t.tmp', 'X.TMP']
  for (const file of files) await folder.write(file, '')
  await folder.write(
    '.dockerignore',
    '# comment\n*.md\n!keep.md\nnode_modules\n**/*.tmp\nDockerfile\n.dockerignore\nx\n!x/b.txt\n',
  )
  expect(await namesOf(await contextOf(folder))).toEqual([
    '.dockerignore',
    'Dockerfile',
    'X.TMP',
    'deep/',
    'deep/x/',
    'keep.md',
    'x/b.txt',
  ])
  await folder.write('.dockerignore', '*\n')
  await folder.write('build/Dockerfile', 'FROM scratch')
  const nested = await contextOf(folder, { dockerfile: 'build/Dockerfile' })
  expect(await namesOf(nested)).toEqual(['.dockerignore', 'build/Dockerfile'])
})

test('what is no content, too much of it, or changing content is refused', async () => {
  await using folder = await temporaryFolder()
  await folder.write('Dockerfile', 'FROM scratch')
  await folder.write('large', 'x'.repeat(2000))
  await expect(contextOf(folder, { limits: { bytes: 1000, files: 10 } })).rejects.toMatchObject({
    code: 'FILE_TOO_LARGE',
  })
  await expect(contextOf(folder, { limits: { bytes: 9000, files: 1 } })).rejects.toMatchObject({
    code: 'FILE_TOO_LARGE',
  })

  const context = await contextOf(folder)
  await folder.write('large', 'y'.repeat(2000))
  await expect(buffer(context.open())).rejects.toMatchObject({ code: 'FILE_UNREADABLE' })
  await folder.write('large', 'x')
  await expect(buffer(context.open())).rejects.toMatchObject({ code: 'FILE_UNREADABLE' })
  await folder.write('large', 'x'.repeat(200_000))
  await expect(buffer(context.open())).rejects.toMatchObject({ code: 'FILE_UNREADABLE' })

  execFileSync('/usr/bin/mkfifo', [`${folder.path}/pipe`])
  await expect(contextOf(folder)).rejects.toMatchObject({
    code: 'FILE_INVALID',
    message: expect.stringContaining('/pipe'),
  })
  await folder.write('.dockerignore', 'pipe')
  expect(await namesOf(await contextOf(folder))).toEqual(['.dockerignore', 'Dockerfile', 'large'])
})
