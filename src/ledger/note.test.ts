import { createPrivateKey } from 'node:crypto'
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
const seed = '060a1402d5146c8d84f2443330f540 80ebf98ee17d9c7dd62 52fc5d5c7283173'

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
