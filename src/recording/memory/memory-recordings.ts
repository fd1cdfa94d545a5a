/** Recordings in memory, for tests. */
import { createHash } from 'node:crypto'
import { mostRecordingBytes, type Recording, type RecordingId, type Recordings } from '../recordings.ts'

export class MemoryRecordings implements Recordings {
  readonly texts = new Map<RecordingId, string>()
  readonly #mostBytes: number

  constructor(mostBytes = mostRecordingBytes) {
    this.#mostBytes = mostBytes
  }

  begin(id: RecordingId): Recording {
    this.texts.set(id, '')
    return {
      write: (lines) => {
        const text = (this.texts.get(id) ?? '') + lines
        if (Buffer.byteLength(text) > this.#mostBytes) return false
        this.texts.set(id, text)
        return true
      },
      close: () => this.digest(id) ?? '',
    }
  }

  digest(id: RecordingId): string | undefined {
    const text = this.texts.get(id)
    return text === undefined ? undefined : `sha256:${createHash('sha256').update(text).digest('hex')}`
  }
}
