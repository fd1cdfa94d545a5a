/** What a refusal is about, from what people call it. */
import { RepaveError } from '../errors.ts'
import type { ImageDescription } from '../model/image-description.ts'
import type { Refusal, RefusedBase, RefusedName } from '../model/refusal.ts'
import type { Scope } from '../model/stack.ts'
import { type ImageDigest, versionName } from '../model/version.ts'
import type { VersionRecord } from '../store/store.ts'
import type { Seams } from './seams.ts'
import { matchingVersion } from './version-match.ts'

type Content = Pick<Refusal, 'what' | 'service'>

/** So few digits of a digest name no image for certain. */
const leastDigits = 12

/** Throws VERSION_UNKNOWN or VERSION_AMBIGUOUS. */
export async function refusedContent(
  named: RefusedName,
  { engine, store }: Pick<Seams, 'engine' | 'store'>,
  scope: Scope,
): Promise<Content> {
  switch (named.kind) {
    case 'label':
      return { what: named }
    case 'package':
      return { what: { ...named, found: {} } }
    case 'base':
      return { what: refusedBase(named.base, await baseImage(named.base, engine)) }
    case 'name':
      return namedContent(named.name, await store.versions(scope))
  }
}

/** The image of a base where the engine has it; nothing is pulled for it. */
async function baseImage(
  base: string,
  engine: Pick<Seams['engine'], 'describe'>,
): Promise<ImageDescription | undefined> {
  try {
    return await engine.describe(base)
  } catch (error) {
    if (error instanceof RepaveError && (error.code === 'IMAGE_NOT_FOUND' || error.code === 'IMAGE_INVALID'))
      return undefined
    throw error
  }
}

function refusedBase(base: string, image: ImageDescription | undefined): RefusedBase {
  const [, named] = /(?:^|@)(sha256:[0-9a-f]{64})$/.exec(base) ?? []
  const digests = [...(named === undefined ? [] : [named]), ...(image ? [image.digest, ...image.manifests] : [])]
  return { kind: 'base', base, digests: [...new Set(digests)].toSorted(), layers: image?.layers ?? [], found: {} }
}

/** `versions`: of the environment. */
function namedContent(name: string, versions: readonly VersionRecord[]): Content {
  if (name.startsWith('sha256:')) return { what: { kind: 'image', digest: imageDigest(name, versions) } }
  return wholeVersion(name) ?? knownVersion(name, versions)
}

/** A version that never ran here can be refused all the same, by its whole id. */
function wholeVersion(name: string): Content | undefined {
  const [, service, version] = /^(?:(.+)@)?([0-9a-f]{64})$/.exec(name) ?? []
  return version === undefined
    ? undefined
    : { what: { kind: 'version', version }, ...(service !== undefined && { service }) }
}

function knownVersion(name: string, versions: readonly VersionRecord[]): Content {
  const { service, version } = matchingVersion(name, versions)
  return { what: { kind: 'version', version }, service }
}

function imageDigest(name: string, versions: readonly VersionRecord[]): ImageDigest {
  const digits = name.slice('sha256:'.length)
  if (/^[0-9a-f]{64}$/.test(digits)) return `sha256:${digits}`
  const known = digits.length < leastDigits ? [] : versions.filter(({ spec }) => spec.image.startsWith(name))
  const [digest, other] = new Set(known.map(({ spec }) => spec.image))
  if (digest === undefined) throw unknownImage(name, versions)
  if (other === undefined) return digest
  throw new RepaveError('VERSION_AMBIGUOUS', `${name} could be ${digest} or ${other}`, { hint: 'give more digits' })
}

function unknownImage(name: string, versions: readonly VersionRecord[]): RepaveError {
  const known = versions.map(({ service, version, spec }) => `${spec.image} (${versionName(service, version)})`)
  return new RepaveError('VERSION_UNKNOWN', `no image ${name} ever ran here`, {
    hint: `give the whole digest, or at least ${leastDigits} digits of a known one: ${known.join(', ') || 'none'}`,
  })
}
