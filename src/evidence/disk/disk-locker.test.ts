import { createHash } from 'node:crypto'
import { mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { temporaryFolder } from '../../system/temporary-folder.ts'
import { openBundle, readArchive, secretsName } from '../bundle.ts'
import { aSubject, lockerContract, someParts, whole } from '../locker-contract.ts'
import { decryptWith, identityIn } from '../secrets.ts'
import { DiskLocker } from './disk-locker.ts'
import { openEvidenceKey } from './evidence-key.ts'

lockerContract('disk', async () => {
  const folder = await temporaryFolder()
  return { locker: new DiskLocker(join(folder.path, 'evidence')), close: async () => folder[Symbol.asyncDispose]() }
})

describe('a bundle on disk', () => {
  test('has its manifest first, and secrets for who has the identity alone', async () => {
    await using folder = await temporaryFolder()
    const { digest } = await new DiskLocker(folder.path).keep(aSubject, someParts('hunter2'))
    const bytes = await whole(await new DiskLocker(folder.path).read(digest))
    expect(bytes.includes('hunter2')).toBe(false)
    const { manifest, files } = await openBundle(bytes)
    const { recipient } = await openEvidenceKey(folder.path)
    expect(manifest).toEqual({
      manifestVersion: 1,
      subject: aSubject,
      recipient,
      parts: [
        { name: 'processes.json', bytes: 2, sha256: sha256('[]'), isSecret: false },
        { name: 'files/0', bytes: 7, sha256: sha256('hunter2'), isSecret: true },
      ],
      missing: [{ name: 'tmpfs', reason: 'nobody can look' }],
    })
    expect(files.map(({ name }) => name)).toEqual(['processes.json', secretsName])
    const identity = identityIn(await readFile(join(folder.path, 'identity'), 'utf8')) ?? ''
    const secrets = await readArchive(await decryptWith(identity, files[1]!.content))
    expect(secrets).toEqual([{ name: 'files/0', content: Buffer.from('hunter2') }])
    await using other = await temporaryFolder()
    await openEvidenceKey(other.path)
    const foreign = identityIn(await readFile(join(other.path, 'identity'), 'utf8')) ?? ''
    await expect(decryptWith(foreign, files[1]!.content)).rejects.toMatchObject({ code: 'EVIDENCE_INVALID' })
  })

  test('needs the recipient alone to be written', async () => {
    await using folder = await temporaryFolder()
    const { recipient, identityFile } = await openEvidenceKey(folder.path)
    await rm(identityFile)
    await new DiskLocker(folder.path).keep(aSubject, someParts('content'))
    expect(await openEvidenceKey(folder.path)).toEqual({ recipient, identityFile, hasIdentity: false })
  })

  test('is for its owner alone', async () => {
    await using parent = await temporaryFolder()
    const folder = join(parent.path, 'evidence')
    await new DiskLocker(folder).keep(aSubject, someParts('content'))
    const modes = await Promise.all(['.', ...(await readdir(folder))].map((name) => mode(join(folder, name))))
    expect(modes).toEqual(['700', '600', '600', '600'])
  })

  test('is not handed out once it was changed', async () => {
    await using folder = await temporaryFolder()
    const { digest } = await new DiskLocker(folder.path).keep(aSubject, someParts('content'))
    const file = join(folder.path, `${digest.slice('sha256:'.length)}.tar`)
    const bytes = await readFile(file)
    bytes[bytes.length - 2000]! ^= 1
    await writeFile(file, bytes)
    await expect(new DiskLocker(folder.path).read(digest)).rejects.toMatchObject({ code: 'EVIDENCE_INVALID' })
  })

  test('holds as much as it may: what comes later is missing', async () => {
    await using folder = await temporaryFolder()
    const locker = new DiskLocker(folder.path, { bundleBytes: 10_000 })
    const { missing, bytes } = await locker.keep(aSubject, someParts('x'.repeat(5_000), 'y'.repeat(5_000)))
    expect(missing).toEqual([
      { name: 'files/1', reason: 'a bundle holds at most 10000 bytes' },
      { name: 'tmpfs', reason: 'nobody can look' },
    ])
    expect(bytes).toBeLessThan(20_000)
  })
})

describe('a full locker', () => {
  test('has the oldest go, and says which', async () => {
    await using folder = await temporaryFolder()
    const locker = new DiskLocker(folder.path, { bundles: 2 })
    for (const atMs of [1, 2]) await locker.keep({ ...aSubject, atMs }, someParts('content'))
    const { removed } = await locker.keep({ ...aSubject, atMs: 3 }, someParts('content'))
    expect(removed.map(({ atMs }) => atMs)).toEqual([1])
    expect((await new DiskLocker(folder.path).list()).map(({ atMs }) => atMs)).toEqual([3, 2])
  })

  test('is so by bytes too', async () => {
    await using folder = await temporaryFolder()
    const { bytes } = await new DiskLocker(folder.path).keep({ ...aSubject, atMs: 1 }, someParts('content'))
    const locker = new DiskLocker(folder.path, { bytes: bytes * 2 + 100 })
    for (const atMs of [2, 3]) await locker.keep({ ...aSubject, atMs }, someParts('content'))
    expect((await locker.list()).map(({ atMs }) => atMs)).toEqual([3, 2])
  })
})

test('what a keeper left that was killed is swept, and what is no bundle is left alone', async () => {
  await using folder = await temporaryFolder()
  await mkdir(folder.path, { recursive: true })
  const stray = `${'0'.repeat(64)}.tar`
  await writeFile(join(folder.path, `${stray}.incoming`), 'half')
  await writeFile(join(folder.path, stray), 'no bundle')
  const locker = new DiskLocker(folder.path)
  const { digest } = await locker.keep(aSubject, someParts('content'))
  expect((await locker.list()).map((evidence) => evidence.digest)).toEqual([digest])
  expect((await readdir(folder.path)).toSorted()).toEqual(
    [stray, `${digest.slice('sha256:'.length)}.tar`, 'identity', 'recipient'].toSorted(),
  )
})

test.each(['/proc/no-such-folder', '/dev/null/evidence'])(
  'a folder that can not be written (%s) is an error',
  async (folder) => {
    await expect(new DiskLocker(folder).keep(aSubject, someParts())).rejects.toThrow()
  },
)

async function mode(file: string): Promise<string> {
  return ((await stat(file)).mode & 0o777).toString(8)
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}
