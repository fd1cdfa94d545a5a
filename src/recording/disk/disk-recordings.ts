/** Recordings as files of mode 0600 in a folder of the state folder: `access/NUMBER.cast`. */
import { createHash, type Hash } from 'node:crypto'
import { closeSync, existsSync, fsyncSync, mkdirSync, openSync, readFileSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { mostRecordingBytes, type Recording, type RecordingId, type Recordings } from '../recordings.ts'

export class DiskRecordings implements Recordings {
  readonly #folder: string

  constructor(folder: string) {
    this.#folder = folder
  }

  path(id: RecordingId): string {
    return join(this.#folder, `${id}.cast`)
  }

  begin(id: RecordingId): Recording {
    mkdirSync(this.#folder, { recursive: true, mode: 0o700 })
    return new DiskRecording(openSync(this.path(id), 'wx', 0o600))
  }

  digest(id: RecordingId): string | undefined {
    if (!existsSync(this.path(id))) return undefined
    return digestWords(createHash('sha256').update(readFileSync(this.path(id))))
  }
}

/** Written at once, so that what was typed before a crash is there after it. */
class DiskRecording implements Recording {
  readonly #file: number
  readonly #hash = createHash('sha256')
  #bytes = 0

  constructor(file: number) {
    this.#file = file
  }

  write(lines: string): boolean {
    const content = Buffer.from(lines)
    if (this.#bytes + content.length > mostRecordingBytes) return false
    for (let written = 0; written < content.length;) written += writeSync(this.#file, content, written)
    this.#bytes += content.length
    this.#hash.update(content)
    return true
  }

  close(): string {
    fsyncSync(this.#file)
    closeSync(this.#file)
    return digestWords(this.#hash)
  }
}

function digestWords(hash: Hash): string {
  return `sha256:${hash.digest('hex')}`
}
