/** What the engine itself hands out of an instance, for where its machine can't be looked at. */
import type { Readable } from 'node:stream'
import { extract } from 'tar-stream'
import type { EvidencePart } from '../../model/evidence.ts'
import type { FileBudget } from './collected-files.ts'
import { changeList, processList, type ContainerRecord } from './container-record.ts'
import { parseAnswer, wordsOf, type DockerClient } from './docker-client.ts'
import { jsonPart, missingPart } from './evidence-parts.ts'
import { pathText } from './file-tree.ts'

/** `processes.json`, with what ps(1) tells. */
export async function* engineProcesses(
  client: DockerClient,
  { Id, State }: ContainerRecord,
): AsyncGenerator<EvidencePart> {
  if (!State.Running) return yield missingPart('processes.json', 'it does not run any more')
  const query = { ps_args: '-eo pid,ppid,uid,gid,etimes,comm' }
  const answer = await client.call('listProcesses', { subject: Id, query, accept: [404, 409, 500] })
  if (answer.status >= 400) return yield missingPart('processes.json', wordsOf(answer))
  const { Processes } = parseAnswer(processList, answer, `list processes of ${Id}`)
  yield jsonPart(
    'processes.json',
    Processes.map((values) => described(values)),
  )
}

function described([pid, parent, uid, gid, seconds, name = '']: readonly string[]) {
  const numbers = { pid: Number(pid), parent: Number(parent), uid: Number(uid), gid: Number(gid) }
  return { ...numbers, runsForSeconds: Number(seconds), name }
}

const changes = ['changed', 'new', 'deleted'] as const

/** `changes.json`, and `files/…` with what is new or changed. */
export async function* engineFiles(
  client: DockerClient,
  { Id }: ContainerRecord,
  budget: FileBudget,
): AsyncGenerator<EvidencePart> {
  const answer = await client.call('listChanges', { subject: Id, accept: [404, 409, 500] })
  if (answer.status >= 400) return yield missingPart('changes.json', wordsOf(answer))
  const all = parseAnswer(changeList, answer, `list changes of ${Id}`)
  const listed = all.slice(0, budget.entries)
  const isCut = listed.length < all.length
  const files = listed.map(({ Path, Kind }) => ({ path: bare(Path), change: changes[Kind] ?? 'changed' }))
  yield jsonPart('changes.json', { files, ...(isCut && { isCut }) })
  if (isCut) yield missingPart('files', 'there is more than is kept of one instance')
  for (const { path, change } of files) if (change !== 'deleted') yield* fileParts(client, Id, path, budget)
}

/** A folder is archived with all that is in it, so only its own entry is read. */
async function* fileParts(
  client: DockerClient,
  id: string,
  path: string,
  budget: FileBudget,
): AsyncGenerator<EvidencePart> {
  const over = new AbortController()
  const name = `files/${pathText(Buffer.from(path))}`
  try {
    const query = { path: `/${path}` }
    yield* firstFile(await client.stream('readArchive', { subject: id, query, signal: over.signal }), name, budget)
  } catch (error) {
    yield missingPart(name, `it can't be read: ${String(error)}`)
  } finally {
    over.abort()
  }
}

async function* firstFile(archive: Readable, name: string, budget: FileBudget): AsyncGenerator<EvidencePart> {
  archive.on('error', () => {})
  const entries = extract()
  archive.pipe(entries)
  for await (const entry of entries) {
    const { type, size } = entry.header
    if (type !== 'file') return
    const kept = budget.take(size)
    const content = await readUpTo(entry, kept)
    yield { kind: 'found', name, content, isSecret: true }
    if (kept < size) yield missingPart(name, `${kept} of its ${size} bytes are kept`)
    return
  }
}

async function readUpTo(stream: AsyncIterable<unknown>, bytes: number): Promise<Buffer> {
  const chunks: Uint8Array[] = []
  let length = 0
  for await (const chunk of stream) {
    if (!(chunk instanceof Uint8Array)) continue
    chunks.push(chunk.subarray(0, bytes - length))
    length += Math.min(chunk.length, bytes - length)
    if (length >= bytes) break
  }
  return Buffer.concat(chunks)
}

function bare(path: string): string {
  return path.replace(/^\//, '')
}
