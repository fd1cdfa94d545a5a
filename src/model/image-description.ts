/** What an image is made of, as far as it says so itself. */
import type { ImageDigest } from './version.ts'

export interface ImageDescription {
  readonly digest: ImageDigest
  /** `sha256:…` of its manifests, by which registries know it. */
  readonly manifests: readonly string[]
  /** The diff ids of its layers, the lowest first. */
  readonly layers: readonly string[]
  /** What its labels `org.opencontainers.image.base.name` and `.digest` name. */
  readonly base?: ImageBase
  readonly packages: readonly Package[]
  /** Whether anything in it lists its packages; an empty list says nothing otherwise. */
  readonly isDescribed: boolean
}

export interface ImageBase {
  readonly name?: string
  readonly digest?: string
}

export interface Package {
  /** `deb`, `apk`, or the type of a package URL: `npm`, `pypi`, `golang`, … */
  readonly type: string
  readonly name: string
  readonly version: string
}

/** The base that an image's labels name; undefined where they name none. */
export function baseOf(labels: Readonly<Record<string, string>>): ImageBase | undefined {
  const { 'org.opencontainers.image.base.name': name = '', 'org.opencontainers.image.base.digest': digest = '' } =
    labels
  if (name === '' && digest === '') return undefined
  return { ...(name !== '' && { name }), ...(digest !== '' && { digest }) }
}

/** `openssl 3.0.11-1 (deb)` */
export function packageName({ type, name, version }: Package): string {
  return `${name} ${version} (${type})`
}
