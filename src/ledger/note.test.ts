import { createPrivateKey, generateKeyPairSync } from 'node:crypto'
import { expect, test } from 'vitest'
import { encodeText } from './encoding.ts'
import { isFault } from './fault.ts'
import { createSigner, formatVerifierKey, generatePrivateKey, isSignedBy, parseVerifierKey } from './key.ts'
import { formatNote, formatSignature, isSignatureOf, type Note, parseNote } from './note.ts'

/** From the specification of signed notes, and from the documentation of Go's golang.org/x/mod/sumdb/note. */
const examples = [
  {
    key: 'example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k',
    content:
      'This is an example message.\n\n' +
      '— example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n',
  },
  {
    key: 'PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW',
    content:
      "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n\n" +
      '— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n',
  },
]
function parsed(content: string): Note {
  const note = parseNote(content)
  if (isFault(note)) throw new Error(note.fault)
  return note
}

test.each(examples)('the known key $key has signed its note', ({ key: text, content }) => {
  const key = parseVerifierKey('log', text)
  const { text: signed, signatures } = parsed(content)
  expect(signatures.every((signature) => isSignatureOf(key, signature))).toBe(true)
  expect(isSignedBy(key, encodeText(signed), signatures[0]!.signature)).toBe(true)
  expect(isSignedBy(key, encodeText(`${signed}\n`), signatures[0]!.signature)).toBe(false)
  expect(formatVerifierKey(key)).toBe(text)
  expect(formatNote({ text: signed, signatures })).toBe(content)
})

test('a known private key signs as it is known to', () => {
  const seed = Buffer.from('gQoUAtUUbI2E8kQzMPVAgOv5juF9nHT2JS/F1ccoMXM=', 'base64')
  const der = Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), seed])
  const pem = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' }).export({ type: 'pkcs8', format: 'pem' })
  const signer = createSigner('log', 'PeterNeumann', pem.toString())
  const { key: expected, content } = examples[1]!
  expect(formatVerifierKey(signer.key)).toBe(expected)
  const [first] = parsed(content).signatures
  expect(Buffer.from(signer.sign(encodeText(parsed(content).text)))).toEqual(Buffer.from(first!.signature))
})

test('a new key has a text form that is read again', () => {
  for (const kind of ['log', 'witness'] as const) {
    const { key } = createSigner(kind, 'example.com/a', generatePrivateKey())
    expect(parseVerifierKey(kind, formatVerifierKey(key))).toMatchObject({ kind, name: 'example.com/a', id: key.id })
  }
})

const usage = expect.objectContaining({ code: 'USAGE' })
const [goodKey] = examples.map(({ key }) => key)

test.each([
  '',
  'example.com/foo',
  goodKey!.replace('530d903a', '530d903b'),
  goodKey!.replace('foo', 'fop'),
  goodKey!.slice(0, -2),
  `${goodKey}=`,
  goodKey!.replace('AekyeRrm', 'BOkyeRrm'),
])('%j is no key', (text) => {
  expect(() => parseVerifierKey('log', text)).toThrow(usage)
})

test('the key of a log is not that of a witness', () => {
  expect(() => parseVerifierKey('witness', goodKey!)).toThrow('is not the public key of a witness')
})

test('a private key that is none, or of another kind, is refused by name', () => {
  const rsa = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ type: 'pkcs8', format: 'pem' })
  expect(() => createSigner('log', 'a', 'nonsense')).toThrow("the private key of a can't be read")
  expect(() => createSigner('log', 'a', rsa.toString())).toThrow('the private key of a is not an Ed25519 key')
  for (const name of ['', 'two words', 'a+b', 'a\u00a0b', 'a\nb'])
    expect(() => createSigner('log', name, generatePrivateKey())).toThrow(usage)
})

const line = examples[0]!.content.split('\n\n')[1]!

test.each([
  ['nothing', ''],
  ['no signature', 'text\n\n'],
  ['no blank line', `text\n${line}`],
  ['no last newline', `text\n\n${line.slice(0, -1)}`],
  ['a control character', `te\txt\n\n${line}`],
  ['a carriage return', `text\r\n\n${line}`],
  ['another dash', `text\n\n${line.replace('—', '-')}`],
  ['a second space', `text\n\n${line.replace('— ', '—  ')}`],
  ['a word too many', `text\n\n${line.replace('\n', ' x\n')}`],
  ['base64 with another last bit', `text\n\n${line.replace('aQM=', 'aQN=')}`],
  ['base64 without padding', `text\n\n${line.replace('=', '')}`],
  ['a signature of nothing', `text\n\n— a AAAAAA==\n`],
  ['too many signatures', `text\n\n${line.repeat(101)}`],
])('a note with %s is malformed', (_, content) => {
  expect(parseNote(content)).toHaveProperty('fault')
})

test('a text may have empty lines; the last one ends it', () => {
  expect(parsed(`one\n\ntwo\n\n${line}${line}`)).toMatchObject({ text: 'one\n\ntwo\n', signatures: [{}, {}] })
})

test('a signature line is written as it was read', () => {
  expect(
    parsed(`text\n\n${line.repeat(16)}`)
      .signatures.map(formatSignature)
      .join(''),
  ).toBe(line.repeat(16))
})
