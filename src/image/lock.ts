/** `repave.lock.json`: which content each image name and each build input stood for. Checked in beside the stack file. */
import type { ImageDigest } from '../model/version.ts'

export interface LockedReference {
  readonly digest: ImageDigest
  /** `name@sha256:…`, when a registry has it. */
  readonly repositoryDigest?: string
}

export interface LockedBuild {
  /** SHA-256 over everything that goes into the build. */
  readonly inputs: string
  readonly digest: ImageDigest
}

export interface Lock {
  readonly lockVersion: 1
  readonly references: Readonly<Record<string, LockedReference>>
  /** By service name. */
  readonly builds: Readonly<Record<string, LockedBuild>>
}

export const emptyLock: Lock = { lockVersion: 1, references: {}, builds: {} }
