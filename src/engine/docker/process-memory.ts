/** What a process has written to its memory, through /proc/PID/mem; proc_pid_pagemap(5) says which pages are there. */
import { closeSync, openSync, readFileSync, readSync } from 'node:fs'

export interface MemoryPiece {
  /** Both in hex. */
  readonly start: string
  readonly end: string
  readonly content: Buffer
}

const pageBytes = 4096
const mostBytesOfPiece = 4 * 1024 * 1024

/** Pages that are there of its writable private memory, in pieces, at most `bytes` of them. */
export function* writtenMemory(pid: number, bytes: number): Generator<MemoryPiece> {
  let left = bytes
  const memory = openSync(`/proc/${pid}/mem`, 'r')
  const pages = openSync(`/proc/${pid}/pagemap`, 'r')
  try {
    for (const region of writableRegions(readFileSync(`/proc/${pid}/maps`, 'latin1')))
      for (const [start, end] of presentRuns(pages, region)) {
        if (left < end - start) return
        left -= end - start
        const content = readPiece(memory, start, end - start)
        if (content) yield { start: start.toString(16), end: end.toString(16), content }
      }
  } finally {
    closeSync(memory)
    closeSync(pages)
  }
}

type Range = readonly [start: number, end: number]

/** Lines such as `55d0-55e0 rw-p 00000000 00:00 0 [heap]`. Addresses of user space are exact as numbers. */
export function writableRegions(maps: string): readonly Range[] {
  return maps.split('\n').flatMap((line) => {
    const [, start = '', end = ''] = /^([0-9a-f]+)-([0-9a-f]+) .w.p/.exec(line) ?? []
    return start === '' ? [] : [[Number.parseInt(start, 16), Number.parseInt(end, 16)] as const]
  })
}

/** Neighbouring pages that are in memory or swapped out: bits 63 and 62 of their 64-bit entries. */
function* presentRuns(pages: number, [start, end]: Range): Generator<Range> {
  let from: number | undefined
  let address = start
  const batch = Buffer.alloc(8 * 512)
  while (address < end) {
    const wanted = Math.min(batch.length, ((end - address) / pageBytes) * 8)
    const length = readSync(pages, batch, 0, wanted, (address / pageBytes) * 8)
    if (length < 8) break
    for (let at = 0; at + 8 <= length; at += 8, address += pageBytes) {
      const isPresent = (batch.readUInt8(at + 7) & 0xc0) !== 0
      if (isPresent) from ??= address
      if (from !== undefined && (!isPresent || address - from >= mostBytesOfPiece)) {
        yield [from, address]
        from = isPresent ? address : undefined
      }
    }
  }
  if (from !== undefined) yield [from, address]
}

/** Undefined for what can't be read, such as pages of a device. */
function readPiece(memory: number, start: number, bytes: number): Buffer | undefined {
  const buffer = Buffer.alloc(bytes)
  try {
    return buffer.subarray(0, readSync(memory, buffer, 0, bytes, BigInt(start)))
  } catch {
    return undefined
  }
}
