/** Where terminals are recorded, as it happens: a file each, which only the owner of the state folder can read. */

/** By the number of the entry that opened the instance. */
export type RecordingId = number

export interface Recording {
  /** False where it would be larger than it may be: nothing of that is written. */
  write(lines: string): boolean
  /** Makes it durable, and answers the digest of all that is in it. */
  close(): string
}

export interface Recordings {
  begin(id: RecordingId): Recording
  /** `sha256:…` of what there is of one, also where its writer died; undefined where there is none. */
  digest(id: RecordingId): string | undefined
}

export const mostRecordingBytes = 64 * 1024 * 1024
