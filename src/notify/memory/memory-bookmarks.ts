/** Bookmarks that last as long as their object. */
import type { Bookmark, Bookmarks } from '../notify.ts'

export class MemoryBookmarks implements Bookmarks {
  #kept: ReadonlyMap<string, Bookmark> = new Map()

  async read(): Promise<ReadonlyMap<string, Bookmark>> {
    return new Map(this.#kept)
  }

  async write(bookmarks: ReadonlyMap<string, Bookmark>): Promise<void> {
    this.#kept = new Map(bookmarks)
  }
}
