import { expect, test } from 'vitest'
import { type Checkpoint, formatCheckpoint, openCheckpoint, signCheckpoint, withSignatures } from './checkpoint.ts'
import { cosign, knownCosignatures, openCosignatures } from './cosignature.ts'
import { isFault } from './fault.ts'
import { createSigner, generatePrivateKey } from './key.ts'
import { leafHash } from './merkle.ts'
import { formatNote, formatSignature } from './note.ts'

const signer = createSigner('log', 'example.com/ledger', generatePrivateKey())
const witness = createSigner('witness', 'example.com/witness', generatePrivateKey())
const stranger = createSigner('witness', 'example.com/stranger', generatePrivateKey())
const root = leafHash(Buffer.from('leaf'))
const checkpoint = signCheckpoint(signer.key.name, { size: 1, root }, signer)

function opened(content: string): Checkpoint {
  const result = openCheckpoint(content, signer.key)
  if (isFault(result)) throw new Error(result.fault)
  return result
}

/** `text` as a note that the log has signed. */
function signed(text: string): string {
  const { name, id: keyId } = signer.key
  return formatNote({ text, signatures: [{ name, keyId, signature: signer.sign(Buffer.from(text)) }] })
}

test('a checkpoint is read as it was signed', () => {
  expect(checkpoint.note.text).toBe(`example.com/ledger\n1\n${Buffer.from(root).toString('base64')}\n`)
  expect(opened(formatCheckpoint(checkpoint))).toMatchObject({ origin: 'example.com/ledger', size: 1 })
  expect(Buffer.from(opened(formatCheckpoint(checkpoint)).root)).toEqual(Buffer.from(root))
})

test('a checkpoint of another origin, or signed by another key, is not taken', () => {
  const text = formatCheckpoint(checkpoint)
  expect(openCheckpoint(text, signer.key, 'example.com/other')).toEqual({
    fault: 'is of example.com/ledger, not of example.com/other',
  })
  const other = createSigner('log', 'example.com/ledger', generatePrivateKey())
  expect(openCheckpoint(text, other.key)).toEqual({
    fault: `is not signed with the key example.com/ledger+${other.key.id}`,
  })
  expect(openCheckpoint(text.replace('\n1\n', '\n2\n'), signer.key)).toEqual({
    fault: 'has a signature of example.com/ledger that does not fit what it says',
  })
})

test('a wrong signature by the key spoils a note that also has a right one', () => {
  const { signatures } = checkpoint.note
  const wrong = { ...signatures[0]!, signature: new Uint8Array(64) }
  const text = formatNote({ ...checkpoint.note, signatures: [...signatures, wrong] })
  expect(openCheckpoint(text, signer.key)).toHaveProperty('fault')
})

const base64Root = Buffer.from(root).toString('base64')

test.each([
  ['no root', 'example.com/ledger\n1\n'],
  ['an empty origin', `\n1\n${base64Root}\n`],
  ['a leading zero', `example.com/ledger\n01\n${base64Root}\n`],
  ['a sign', `example.com/ledger\n+1\n${base64Root}\n`],
  ['no size', `example.com/ledger\n\n${base64Root}\n`],
  ['a size that is not exact', `example.com/ledger\n9007199254740993\n${base64Root}\n`],
  ['a short root', 'example.com/ledger\n1\nAAAA\n'],
  ['an empty extension line', `example.com/ledger\n1\n${base64Root}\n\nmore\n`],
])('a checkpoint with %s is malformed, though it is signed', (_, text) => {
  expect(openCheckpoint(signed(text), signer.key)).toEqual({ fault: 'has a malformed tree head' })
})

test('extension lines are allowed, and signed', () => {
  expect(opened(signed(`example.com/ledger\n1\n${base64Root}\nmore\n`))).toMatchObject({ size: 1 })
})

test('a cosignature says when, and stands beside the signature', () => {
  const cosigned = withSignatures(checkpoint, [cosign(checkpoint.note.text, witness, 1_679_315_147)])
  const { note } = opened(formatCheckpoint(cosigned))
  const expected = [{ name: 'example.com/witness', atSeconds: 1_679_315_147 }]
  expect(openCosignatures(note, [witness.key])).toEqual(expected)
  expect(openCosignatures(note, [witness.key, stranger.key])).toEqual({
    fault: 'is not cosigned by example.com/stranger',
  })
})

test('a newer cosignature of one witness takes the place of the older', () => {
  const once = withSignatures(checkpoint, [cosign(checkpoint.note.text, witness, 1)])
  const twice = withSignatures(once, [cosign(checkpoint.note.text, witness, 2)])
  expect(twice.note.signatures).toHaveLength(2)
  expect(openCosignatures(twice.note, [witness.key])).toEqual([{ name: 'example.com/witness', atSeconds: 2 }])
})

test('a cosignature of another text or time does not fit', () => {
  const { signature, ...rest } = cosign(checkpoint.note.text, witness, 1)
  const later = { ...rest, signature: Uint8Array.from(signature).with(7, 2) }
  const faulty = [later, { ...rest, signature: signature.subarray(1) }, cosign('other\n', witness, 1)]
  for (const wrong of faulty)
    expect(openCosignatures(withSignatures(checkpoint, [wrong]).note, [witness.key])).toEqual({
      fault: 'has a cosignature of example.com/witness that does not fit what it says',
    })
})

test('of the lines that come back from a witness, those of known keys are kept', () => {
  const { text } = checkpoint.note
  const lines = [cosign(text, witness, 1), cosign('other\n', stranger, 1)].map(formatSignature).join('')
  expect(knownCosignatures(text, lines, [witness.key])).toMatchObject({ signatures: [{ name: 'example.com/witness' }] })
  expect(knownCosignatures(text, lines, [witness.key, stranger.key])).toHaveProperty('fault')
  expect(knownCosignatures(text, lines, [])).toEqual({ fault: 'has no cosignature by a known witness' })
  expect(knownCosignatures(text, 'nonsense', [witness.key])).toHaveProperty('fault')
})
