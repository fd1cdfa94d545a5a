/** What every evidence locker must do; run against each implementation. */
import { createHash } from 'node:crypto'
import type { Readable } from 'node:stream'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { EvidencePart, EvidenceSubject } from '../model/evidence.ts'
import type { EvidenceLocker } from './locker.ts'

export const aSubject: EvidenceSubject = {
  stack: 'shop',
  environment: 'production',
  service: 'web',
  instance: 'shop-production-web-aaaaaaaa-1',
  version: 'a'.repeat(64),
  touches: [{ kind: 'exec', layer: 'events', atMs: 1_000, detail: 'exec /bin/sh' }],
  atMs: 2_000,
}

export async function* someParts(...contents: readonly string[]): AsyncIterable<EvidencePart> {
  yield { kind: 'found', name: 'processes.json', content: Buffer.from('[]'), isSecret: false }
  for (const [index, content] of contents.entries())
    yield { kind: 'found', name: `files/${index}`, content: Buffer.from(content), isSecret: true }
  yield { kind: 'missing', name: 'tmpfs', reason: 'nobody can look' }
}

export function lockerContract(
  name: string,
  open: () => Promise<{ readonly locker: EvidenceLocker; close(): Promise<void> }>,
): void {
  describe(`${name} keeps the evidence locker's contract`, () => {
    let locker: EvidenceLocker
    let opened: Awaited<ReturnType<typeof open>>
    beforeEach(async () => {
      opened = await open()
      locker = opened.locker
    })
    afterEach(() => opened.close())

    test('is empty at first', async () => {
      expect(await locker.list()).toEqual([])
    })

    test('keeps a bundle under the digest of its bytes, with what is missing', async () => {
      const { removed, ...kept } = await locker.keep(aSubject, someParts('content'))
      expect(removed).toEqual([])
      const missing = [{ name: 'tmpfs', reason: 'nobody can look' }]
      expect(kept).toEqual({ ...aSubject, digest: expect.any(String), bytes: expect.any(Number), missing })
      const bytes = await whole(await locker.read(kept.digest))
      expect(`sha256:${createHash('sha256').update(bytes).digest('hex')}`).toBe(kept.digest)
      expect(bytes.length).toBe(kept.bytes)
      expect(await locker.list()).toEqual([kept])
    })

    test('lists the newest first', async () => {
      for (const atMs of [2_000, 4_000, 3_000]) await locker.keep({ ...aSubject, atMs }, someParts(`${atMs}`))
      expect((await locker.list()).map(({ atMs }) => atMs)).toEqual([4_000, 3_000, 2_000])
    })

    test('keeps bundles at once', async () => {
      const numbers = [1, 2, 3, 4]
      await Promise.all(numbers.map((atMs) => locker.keep({ ...aSubject, atMs }, someParts(`${atMs}`))))
      expect((await locker.list()).map(({ atMs }) => atMs)).toEqual([4, 3, 2, 1])
    })

    test('keeps nothing of an instance that can not be laid open to its end', async () => {
      async function* failing(): AsyncIterable<EvidencePart> {
        yield* someParts('content')
        throw new Error('the engine is gone')
      }
      await expect(locker.keep(aSubject, failing())).rejects.toThrow('the engine is gone')
      expect(await locker.list()).toEqual([])
      await locker.keep(aSubject, someParts('again'))
      expect(await locker.list()).toHaveLength(1)
    })

    test('has nothing of another digest', async () => {
      await expect(locker.read(`sha256:${'0'.repeat(64)}`)).rejects.toMatchObject({ code: 'EVIDENCE_UNKNOWN' })
      await expect(locker.read('../../etc/passwd')).rejects.toMatchObject({ code: 'EVIDENCE_UNKNOWN' })
    })
  })
}

export async function whole(stream: Readable): Promise<Buffer> {
  const chunks: Uint8Array[] = []
  for await (const chunk of stream as AsyncIterable<Uint8Array>) chunks.push(chunk)
  return Buffer.concat(chunks)
}
