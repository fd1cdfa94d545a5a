import { createHash } from 'node:crypto'
import { createServer } from 'node:net'
import { once } from 'node:events'
import { serve } from '@hono/node-server'
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import { canonicalJson } from '../model/canonical.ts'
import { formatAddCheckpoint, maxRequestBytes } from './add-checkpoint.ts'
import { formatCheckpoint, signCheckpoint } from './checkpoint.ts'
import { encodeText } from './encoding.ts'
import { createSigner, formatVerifierKey, generatePrivateKey } from './key.ts'
import { MemoryLedgerFiles } from './memory/memory-ledger-files.ts'
import { leafHash } from './merkle.ts'
import { consistencyPath } from './proof.ts'
import { Publisher } from './publisher.ts'
import { TileReader } from './tile-reader.ts'
import { verifyLedger } from './verify.ts'
import { createWitnessApi } from './witness-api.ts'
import { WitnessClient } from './witness-client.ts'
import { Witness } from './witness.ts'

const signer = createSigner('log', 'example.com/ledger', generatePrivateKey())
const own = createSigner('witness', 'example.com/witness', generatePrivateKey())
const [key, witnessKey] = [signer, own].map((each) => formatVerifierKey(each.key)) as [string, string]
const clock = { now: () => 1_790_000_000_000, sleep: async () => {} }
const entries = (from: number, to: number) =>
  Array.from({ length: to - from }, (_, offset) => encodeText(canonicalJson({ index: from + offset, kind: 'test' })))

let records: MemoryLedgerFiles
let api: ReturnType<typeof createWitnessApi>
let files: MemoryLedgerFiles
let publisher: Publisher

beforeEach(async () => {
  records = new MemoryLedgerFiles()
  restartWitness()
  files = new MemoryLedgerFiles()
  publisher = await Publisher.open({ files, signer, witnesses: [witnessKey] })
})

function restartWitness(): void {
  api = createWitnessApi(new Witness({ signer: own, logs: [{ key }], files: records, clock }))
}

const post = async (body: string | Uint8Array<ArrayBuffer>) => api.request('/add-checkpoint', { method: 'POST', body })

/** The request that a log makes for its ledger as it is, when the witness knows `oldSize`. */
async function requestFrom(oldSize: number): Promise<string> {
  const checkpoint = publisher.checkpoint!
  const proof = await new TileReader(files, checkpoint.size).proof(consistencyPath(oldSize, checkpoint.size))
  return formatAddCheckpoint({ oldSize, proof, checkpoint: formatCheckpoint(checkpoint) })
}

async function answerTo(body: string): Promise<readonly [status: number, text: string]> {
  const response = await post(body)
  return [response.status, await response.text()]
}

/** A request for a log whose root is of no entry that it has. */
function fork(size: number, oldSize: number): string {
  const checkpoint = signCheckpoint(signer.key.name, { size, root: leafHash(Buffer.from('other')) }, signer)
  return formatAddCheckpoint({ oldSize, proof: [], checkpoint: formatCheckpoint(checkpoint) })
}

describe('the witness', () => {
  test('cosigns checkpoints that extend one another, across restarts', async () => {
    let known = 0
    for (const size of [1, 1, 5, 256, 300]) {
      await publisher.publish(entries(publisher.published.size, size))
      const response = await post(await requestFrom(known))
      expect(response.status).toBe(200)
      expect(await publisher.cosign(publisher.checkpoint!, await response.text())).toBe(true)
      restartWitness()
      known = size
    }
    expect(await verifyLedger(files, { key, witnesses: [witnessKey], clock })).toMatchObject({
      ok: true,
      cosignatures: [{ name: 'example.com/witness', atSeconds: 1_790_000_000 }],
    })
  })

  test('cosigns an empty log', async () => {
    await publisher.publish([])
    expect((await post(await requestFrom(0))).status).toBe(200)
  })

  test('shows the last checkpoint that it cosigned to monitors', async () => {
    const path = `/${createHash('sha256').update('example.com/ledger').digest('hex')}/checkpoint`
    expect((await api.request(path)).status).toBe(404)
    await publisher.publish(entries(0, 3))
    const line = await (await post(await requestFrom(0))).text()
    const shown = await api.request(path)
    expect(await shown.text()).toBe(`${formatCheckpoint(publisher.checkpoint!)}${line}`)
    expect((await api.request(`/${'0'.repeat(64)}/checkpoint`)).status).toBe(404)
    expect((await api.request('/checkpoint')).status).toBe(404)
  })

  test('answers a wrong old size with the one that it knows', async () => {
    await publisher.publish(entries(0, 3))
    await post(await requestFrom(0))
    await publisher.publish(entries(3, 5))
    const response = await post(await requestFrom(2))
    expect(response.status).toBe(409)
    expect(response.headers.get('content-type')).toBe('text/x.tlog.size')
    expect(await response.text()).toBe('3\n')
  })

  test('does not cosign another history, a wrong proof, or a root that no log has', async () => {
    await publisher.publish(entries(0, 3))
    await post(await requestFrom(0))
    await publisher.publish(entries(3, 5))
    const right = await requestFrom(3)
    expect((await answerTo(right.replace(/\n.*\n/, '\n')))[0]).toBe(422)
    expect(await answerTo(fork(3, 3))).toEqual([
      422,
      'it is not proven that the checkpoint extends the one of 3 entries\n',
    ])
    records = new MemoryLedgerFiles()
    restartWitness()
    expect(await answerTo(fork(0, 0))).toEqual([422, 'the root is not that of the empty tree\n'])
    expect((await answerTo((await requestFrom(0)).replace('old 0\n', `old 0\n${'A'.repeat(43)}=\n`)))[0]).toBe(422)
    expect((await answerTo(await requestFrom(0)))[0]).toBe(200)
  })

  test('tells a log that it does not know from a signature that is wrong', async () => {
    await publisher.publish(entries(0, 3))
    const right = await requestFrom(0)
    const foreign = (name: string) => {
      const other = createSigner('log', name, generatePrivateKey())
      const checkpoint = formatCheckpoint(signCheckpoint(name, publisher.published, other))
      return formatAddCheckpoint({ oldSize: 0, proof: [], checkpoint })
    }
    expect(await answerTo(foreign('example.com/other'))).toEqual([
      404,
      'example.com/other is no log that this witness knows\n',
    ])
    expect((await answerTo(foreign('example.com/ledger')))[0]).toBe(403)
    expect((await answerTo(right.replace('\n3\n', '\n4\n')))[0]).toBe(403)
  })

  test('refuses what is no request', async () => {
    await publisher.publish(entries(0, 3))
    const right = await requestFrom(0)
    const wrong = [
      '',
      'old 0\n',
      right.replace('old 0', 'old 00'),
      right.replace('old 0', 'old 4'),
      right.replace('old', 'new'),
      right.replace('old 0\n', `old 0\n${`${'A'.repeat(43)}=\n`.repeat(64)}`),
      right.replace('\n3\n', '\n03\n'),
      right.slice(0, -1),
    ]
    for (const body of wrong) expect([body, (await post(body)).status]).toEqual([body, 400])
    expect((await post(Uint8Array.of(0xff))).status).toBe(400)
    expect((await post('x'.repeat(maxRequestBytes + 1))).status).toBe(413)
    expect((await api.request('/add-checkpoint')).status).toBe(404)
  })

  test('cosigns one of two histories, whichever comes first, when both come at once', async () => {
    const other = await Publisher.open({ files: new MemoryLedgerFiles(), signer })
    await publisher.publish(entries(0, 3))
    await other.publish(entries(7, 12))
    const checkpoints = [publisher, other].map((each) => formatCheckpoint(each.checkpoint!))
    const bodies = checkpoints.map((checkpoint) => formatAddCheckpoint({ oldSize: 0, proof: [], checkpoint }))
    const statuses = (await Promise.all(bodies.map(post))).map(({ status }) => status)
    expect(new Set(statuses)).toEqual(new Set([200, 409]))
  })

  test('cosigns nothing over a record that is damaged', async () => {
    await publisher.publish(entries(0, 3))
    await post(await requestFrom(0))
    const path = `${createHash('sha256').update('example.com/ledger').digest('hex')}/checkpoint`
    await records.write([{ path, bytes: encodeText(formatCheckpoint(publisher.checkpoint!)) }])
    expect((await post(await requestFrom(3))).status).toBe(500)
  })
})

const client = (fetch?: (request: Request) => Promise<Response>, url = 'http://witness.test/prefix/') =>
  new WitnessClient({ url, key: witnessKey, timeoutMs: 2_000, ...(fetch && { fetch }) })

const inProcess = async (request: Request) => api.request(new URL(request.url).pathname.replace('/prefix', ''), request)

describe('the client of a witness', () => {
  test('gets cosignatures that the publisher takes, whatever the witness knows', async () => {
    for (const size of [1, 255, 256, 700]) {
      await publisher.publish(entries(publisher.published.size, size))
      // A new client each time, which has to be told the size.
      const lines = await client(inProcess).cosign(files, publisher.checkpoint!)
      expect(await publisher.cosign(publisher.checkpoint!, lines)).toBe(true)
    }
    const sent: string[] = []
    const remembers = client((request) => {
      sent.push(request.url)
      return inProcess(request)
    })
    for (const size of [701, 702, 703]) {
      await publisher.publish(entries(publisher.published.size, size))
      await remembers.cosign(files, publisher.checkpoint!)
    }
    expect(sent).toHaveLength(1 + 3)
  })

  test('works over a socket', async () => {
    const server = serve({ fetch: api.fetch, hostname: '127.0.0.1', port: 0 })
    onTestFinished(() => void server.close())
    await once(server, 'listening')
    const { port } = server.address() as { port: number }
    await publisher.publish(entries(0, 3))
    const lines = await client(undefined, `http://127.0.0.1:${port}`).cosign(files, publisher.checkpoint!)
    expect(lines).toMatch(/^— example\.com\/witness \S+\n$/)
  })

  test('says when the ledger was set back', async () => {
    await publisher.publish(entries(0, 3))
    const old = publisher.checkpoint!
    await publisher.publish(entries(3, 5))
    await client(inProcess).cosign(files, publisher.checkpoint!)
    await expect(client(inProcess).cosign(files, old)).rejects.toThrow(
      expect.objectContaining({
        code: 'LEDGER_BEHIND',
        message: 'example.com/ledger has 3 entries, but the witness example.com/witness has seen 5',
      }),
    )
  })

  test('says when the witness knows another history', async () => {
    await publisher.publish(entries(0, 3))
    await client(inProcess).cosign(files, publisher.checkpoint!)
    const forkFiles = new MemoryLedgerFiles()
    const forked = await Publisher.open({ files: forkFiles, signer })
    await forked.publish(entries(7, 12))
    await expect(client(inProcess).cosign(forkFiles, forked.checkpoint!)).rejects.toThrow(
      expect.objectContaining({ code: 'WITNESS_REFUSED', message: expect.stringContaining('it is not proven') }),
    )
  })

  test.each([
    ['an answer without a cosignature', 'WITNESS_REFUSED', async () => new Response('nonsense\n')],
    ['the refusal of a log that is unknown', 'WITNESS_REFUSED', async () => new Response('who?', { status: 404 })],
    ['a size that is none', 'WITNESS_REFUSED', async () => new Response('many', { status: 409 })],
    ['a defect', 'WITNESS_UNREACHABLE', async () => new Response('oops', { status: 500 })],
    ['too many requests', 'WITNESS_UNREACHABLE', async () => new Response('', { status: 429 })],
    ['an endless answer', 'WITNESS_UNREACHABLE', async () => new Response('x'.repeat(1 << 20))],
    ['no connection', 'WITNESS_UNREACHABLE', async () => Promise.reject(new TypeError('fetch failed'))],
  ])('takes %s for %s', async (_, code, answer) => {
    await publisher.publish(entries(0, 3))
    await expect(client(answer).cosign(files, publisher.checkpoint!)).rejects.toThrow(expect.objectContaining({ code }))
  })

  test('does not take a cosignature by another key, or of another checkpoint', async () => {
    await publisher.publish(entries(0, 3))
    const first = await client(inProcess).cosign(files, publisher.checkpoint!)
    await publisher.publish(entries(3, 4))
    const stale = client(async () => new Response(first))
    await expect(stale.cosign(files, publisher.checkpoint!)).rejects.toThrow('that does not fit what it says')
  })

  test('does not wait for a witness that does not answer', async () => {
    const server = createServer(() => undefined).listen(0, '127.0.0.1')
    onTestFinished(() => void server.close())
    await once(server, 'listening')
    const { port } = server.address() as { port: number }
    await publisher.publish(entries(0, 3))
    const url = `http://127.0.0.1:${port}`
    const impatient = new WitnessClient({ url, key: witnessKey, timeoutMs: 50 })
    await expect(impatient.cosign(files, publisher.checkpoint!)).rejects.toThrow(
      expect.objectContaining({ code: 'WITNESS_UNREACHABLE' }),
    )
  })
})
