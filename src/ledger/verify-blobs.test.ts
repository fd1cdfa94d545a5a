import { hash } from 'node:crypto'
import { beforeEach, expect, test } from 'vitest'
import { canonicalJson } from '../model/canonical.ts'
import { encodeText } from './encoding.ts'
import { formatVerifierKey } from './key.ts'
import { memorySigner, openMemoryLedger } from './memory/memory-ledger.ts'
import { MemoryLedgerFiles } from './memory/memory-ledger-files.ts'
import { publicKeyPath } from './public-key.ts'
import { verifyLedger } from './verify.ts'

const signer = memorySigner()
const key = formatVerifierKey(signer.key)
const content = encodeText('{"services":{},"stack":"shop"}')
const digest = hash('sha256', content, 'hex')
const entry = (value: object) => encodeText(canonicalJson(value))

let files: MemoryLedgerFiles

beforeEach(async () => {
  files = new MemoryLedgerFiles()
  const { publisher } = await openMemoryLedger(files, signer)
  await files.write([
    { path: `blob/${digest}`, bytes: content },
    { path: publicKeyPath, bytes: encodeText(`${key}\n`) },
  ])
  await publisher.publish([entry({ kind: 'controller.started' }), entry({ kind: 'decision.up', release: digest })])
})

const problems = async () => (await verifyLedger(files, { key })).problems

test('one bit that is flipped in a release or in the public key is found', async () => {
  expect(await problems()).toEqual([])
  for (const path of [`blob/${digest}`, publicKeyPath]) {
    const bytes = (await files.read(path))!
    for (let bit = 0; bit < bytes.length * 8; bit += 1) {
      await files.write([{ path, bytes: bytes.with(bit >> 3, bytes[bit >> 3]! ^ (1 << (bit & 7))) }])
      if ((await verifyLedger(files, { key })).ok) expect.fail(`bit ${bit} of ${path}`)
    }
    await files.write([{ path, bytes }])
  }
})

test('a release that an entry names and that is gone is missed, with the entry', async () => {
  await files.remove([`blob/${digest}`])
  expect(await problems()).toEqual([
    { index: 1, kind: 'missing', message: `blob/${digest}, which entry 1 names, is missing` },
  ])
})

test('a release that no entry names must be what its name says', async () => {
  const other = encodeText('{}')
  await files.write([{ path: `blob/${hash('sha256', other, 'hex')}`, bytes: other }])
  expect(await problems()).toEqual([])
  await files.write([{ path: 'blob/other', bytes: other }])
  expect(await problems()).toEqual([{ kind: 'blob', message: 'blob/other is not what its name says' }])
})
