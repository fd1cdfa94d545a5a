/** Whether an image holds what is refused, from what it says of itself. Pure. */
import { type ImageDescription, packageName } from '../model/image-description.ts'
import type { RefusedBase, RefusedHolding, RefusedPackage } from '../model/refusal.ts'

export type Holding =
  /** `what`: in words, `openssl 3.0.11-1 (deb)`. */
  | { readonly kind: 'holds'; readonly what: string }
  | { readonly kind: 'free' }
  | { readonly kind: 'unknown'; readonly why: string }

const free: Holding = { kind: 'free' }

export function holdingOf(image: ImageDescription, refused: RefusedHolding): Holding {
  return refused.kind === 'base' ? baseHolding(image, refused) : packageHolding(image, refused)
}

/** All versions of a package where none is named; no version counts as newer or older than another. */
function packageHolding({ packages, isDescribed }: ImageDescription, { name, version }: RefusedPackage): Holding {
  const held = packages.find((each) => each.name === name && (version === undefined || each.version === version))
  if (held) return { kind: 'holds', what: packageName(held) }
  return isDescribed ? free : { kind: 'unknown', why: 'nothing in it lists its packages' }
}

function baseHolding(image: ImageDescription, refused: RefusedBase): Holding {
  if (isNamed(image, refused)) return { kind: 'holds', what: `the base ${refused.base}, as its labels say` }
  if (isPrefix(refused.layers, image.layers)) return { kind: 'holds', what: `the layers of ${refused.base}` }
  if (refused.layers.length > 0 || image.base) return free
  return { kind: 'unknown', why: `its labels name no base, and the engine does not have ${refused.base}` }
}

function isNamed({ digest, manifests, base }: ImageDescription, { base: named, digests }: RefusedBase): boolean {
  if ([digest, ...manifests].some((each) => digests.includes(each))) return true
  if (base?.digest !== undefined && digests.includes(base.digest)) return true
  return base?.name !== undefined && wholeReference(base.name) === wholeReference(named)
}

/** An image without layers is the beginning of all, and the base of none. */
function isPrefix(layers: readonly string[], of: readonly string[]): boolean {
  return layers.length > 0 && layers.every((layer, index) => of[index] === layer)
}

/** `debian` as `docker.io/library/debian:latest`, so that short and long names are one. */
export function wholeReference(reference: string): string {
  const [name = '', digest] = reference.split('@', 2)
  const parts = name.split('/')
  const [first = ''] = parts
  const hasRegistry = parts.length > 1 && (/[.:]/.test(first) || first === 'localhost')
  const [registry, path] = hasRegistry ? [first, parts.slice(1)] : ['docker.io', parts]
  const isOfLibrary = isHub(registry) && path.length === 1
  const whole = [isHub(registry) ? 'docker.io' : registry, ...(isOfLibrary ? ['library'] : []), ...path].join('/')
  if (digest !== undefined) return `${whole}@${digest}`
  return /:[^/]*$/.test(path.at(-1) ?? '') ? whole : `${whole}:latest`
}

function isHub(registry: string): boolean {
  return registry === 'docker.io' || registry === 'index.docker.io'
}
