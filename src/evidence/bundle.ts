/**
 * A bundle of evidence as bytes: one tar archive (POSIX pax).
 *
 * `manifest.json` comes first. The readable parts follow as they are. All secret parts are in an archive of their own,
 * `secrets.tar.age`, encrypted in the age format (age-encryption.org/v1): one stream, since a key agreement for each of
 * a thousand files takes seconds. `tar -xO secrets.tar.age | age -d -i IDENTITY | tar -x` reads it without Repave.
 */
import { createHash } from 'node:crypto'
import { Readable } from 'node:stream'
import { extract, pack } from 'tar-stream'
import { z } from 'zod'
import { RepaveError } from '../errors.ts'
import type { Evidence, EvidencePart, EvidenceSubject } from '../model/evidence.ts'
import { encryptTo } from './secrets.ts'
import { senseLayers, type Touch, touchKinds } from '../model/touch.ts'

export const manifestName = 'manifest.json'
export const secretsName = 'secrets.tar.age'
const manifestVersion = 1

export interface FoundPart {
  readonly name: string
  readonly content: Uint8Array
}

export interface BundleParts {
  readonly readable: readonly FoundPart[]
  readonly secret: readonly FoundPart[]
  readonly missing: Evidence['missing']
}

/** What a bundle says of itself. */
export type Manifest = z.infer<typeof manifestSchema>

const count = z.number().int().min(0)
const touchSchema: z.ZodType<Touch> = z.object({
  kind: z.enum(touchKinds),
  layer: z.enum(senseLayers),
  atMs: z.number(),
  detail: z.string(),
  isRefused: z.literal(true).exactOptional(),
  by: z
    .object({
      pid: z.number(),
      uid: z.number().exactOptional(),
      executable: z.string().exactOptional(),
      command: z.array(z.string()).readonly().exactOptional(),
      loginUid: z.number().exactOptional(),
    })
    .exactOptional(),
})

const manifestSchema = z.object({
  manifestVersion: z.literal(manifestVersion),
  subject: z.object({
    stack: z.string(),
    environment: z.string(),
    service: z.string(),
    instance: z.string(),
    version: z.string(),
    touches: z.array(touchSchema).readonly(),
    atMs: z.number(),
  }),
  /** Whom the secret parts are encrypted to. */
  recipient: z.string(),
  /** `sha256`: of the content as it was found, in hex. */
  parts: z.array(z.object({ name: z.string(), bytes: count, sha256: z.string(), isSecret: z.boolean() })),
  missing: z.array(z.object({ name: z.string(), reason: z.string() })).readonly(),
})

/** Takes parts as long as there is room for them: what comes later is missing. */
export async function gather(parts: AsyncIterable<EvidencePart>, maxBytes: number): Promise<BundleParts> {
  const readable: FoundPart[] = []
  const secret: FoundPart[] = []
  const missing: { name: string; reason: string }[] = []
  let left = maxBytes
  for await (const part of parts) {
    if (part.kind === 'missing') missing.push({ name: part.name, reason: part.reason })
    else if (part.content.length + overheadBytes > left)
      missing.push({ name: part.name, reason: `a bundle holds at most ${maxBytes} bytes` })
    else {
      left -= part.content.length + overheadBytes
      ;(part.isSecret ? secret : readable).push({ name: part.name, content: part.content })
    }
  }
  return { readable, secret, missing }
}

/** Of a part in an archive and in the manifest: two blocks of padding and header, and its line. */
const overheadBytes = 1536

export async function writeBundle(subject: EvidenceSubject, parts: BundleParts, recipient: string): Promise<Buffer> {
  const { readable, secret, missing } = parts
  const described = [...readable.map((part) => describe(part, false)), ...secret.map((part) => describe(part, true))]
  const manifest: Manifest = { manifestVersion, subject: plainSubject(subject), recipient, parts: described, missing }
  const secrets =
    secret.length === 0 ? [] : [{ name: secretsName, content: await encryptTo(recipient, await archive(secret)) }]
  const first = { name: manifestName, content: Buffer.from(`${JSON.stringify(manifest, null, 1)}\n`) }
  return archive([first, ...readable, ...secrets])
}

function describe({ name, content }: FoundPart, isSecret: boolean): Manifest['parts'][number] {
  return { name, bytes: content.length, sha256: createHash('sha256').update(content).digest('hex'), isSecret }
}

/** Without what a caller's object has beside it. */
function plainSubject({
  stack,
  environment,
  service,
  instance,
  version,
  touches,
  atMs,
}: EvidenceSubject): Manifest['subject'] {
  return { stack, environment, service, instance, version, touches, atMs }
}

/** Its files, all of them. */
export async function archive(parts: readonly FoundPart[]): Promise<Buffer> {
  const tar = pack()
  for (const { name, content } of parts) tar.entry({ name, mode: 0o600, mtime: new Date(0) }, Buffer.from(content))
  tar.finalize()
  return whole(tar)
}

/** EVIDENCE_INVALID where it is no bundle. */
export async function readManifest(bundle: Readable): Promise<Manifest> {
  const [first] = await entries(bundle, 1)
  return parseManifest(first)
}

export interface OpenBundle {
  readonly manifest: Manifest
  /** The manifest as it is in the bundle. */
  readonly first: FoundPart
  readonly files: readonly FoundPart[]
}

export async function openBundle(bundle: Uint8Array): Promise<OpenBundle> {
  const [first, ...files] = await readArchive(bundle)
  const manifest = parseManifest(first)
  return { manifest, first: first ?? { name: manifestName, content: new Uint8Array() }, files }
}

export function readArchive(bytes: Uint8Array): Promise<readonly FoundPart[]> {
  return entries(Readable.from([bytes]), Number.POSITIVE_INFINITY)
}

async function entries(bytes: Readable, most: number): Promise<readonly FoundPart[]> {
  const found: FoundPart[] = []
  const reader = extract()
  bytes.on('error', (error) => reader.destroy(error)).pipe(reader)
  try {
    for await (const entry of reader) {
      found.push({ name: entry.header.name, content: await whole(entry) })
      if (found.length >= most) break
    }
  } catch (cause) {
    throw invalid('it is no archive', cause)
  } finally {
    bytes.destroy()
  }
  return found
}

async function whole(stream: AsyncIterable<unknown>): Promise<Buffer> {
  const chunks: Uint8Array[] = []
  for await (const chunk of stream) if (chunk instanceof Uint8Array) chunks.push(chunk)
  return Buffer.concat(chunks)
}

function parseManifest(first: FoundPart | undefined): Manifest {
  if (first?.name !== manifestName) throw invalid(`it does not begin with ${manifestName}`)
  try {
    return manifestSchema.parse(JSON.parse(Buffer.from(first.content).toString('utf8')))
  } catch (cause) {
    throw invalid(`its ${manifestName} can't be understood`, cause)
  }
}

function invalid(why: string, cause?: unknown): RepaveError {
  return new RepaveError('EVIDENCE_INVALID', `that is no bundle of evidence: ${why}`, {
    hint: 'take it from where `repave evidence export` has written it',
    cause,
  })
}
