/**
 * The image of sandboxes: one static program that does nothing, for as long as it is left alone.
 *
 * It is written here byte by byte, so that it needs neither a registry nor a compiler, and is the same
 * everywhere: its layer's digest is known before the engine is asked.
 */
import { createHash } from 'node:crypto'
import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { pack } from 'tar-stream'
import { RepaveError } from '../../errors.ts'

export const pauseImage = { repository: 'repave/pause', tag: '1', reference: 'repave/pause:1', path: '/pause' } as const

interface Machine {
  /** e_machine of the ELF header. */
  readonly elfMachine: number
  readonly code: Buffer
}

/** By the engine's name for the architecture. */
const machines: Readonly<Record<string, Machine>> = {
  amd64: {
    elfMachine: 62,
    code: Buffer.concat([
      Buffer.of(0xb8, 0x22, 0x00, 0x00, 0x00), // mov eax, 34 (pause)
      Buffer.of(0x0f, 0x05), //                   syscall
      Buffer.of(0xeb, 0xf7), //                   jmp -9, back to the mov
    ]),
  },
  arm64: {
    elfMachine: 183,
    code: instructions(
      0xd2800000, // mov x0, #0    no descriptors
      0xd2800001, // mov x1, #0
      0xd2800002, // mov x2, #0    no time limit
      0xd2800003, // mov x3, #0    no signal mask
      0xd2800004, // mov x4, #0
      0xd2800928, // mov x8, #73   (ppoll: arm64 has no pause)
      0xd4000001, // svc #0
      0x17fffff9, // b -7, back to the first
    ),
  },
}

function instructions(...words: readonly number[]): Buffer {
  const code = Buffer.alloc(words.length * 4)
  words.forEach((word, index) => code.writeUInt32LE(word, index * 4))
  return code
}

const loadAddress = 0x400000n
const headerSize = 64
const programHeaderSize = 56

/**
 * A whole ELF executable (System V ABI, 64 bit, little endian): the file header, one program header that maps
 * the file read-only and executable, and the code. As PID 1 it has no handler, so that only SIGKILL ends it.
 */
export function pauseProgram(architecture: string): Buffer {
  const machine = machines[architecture]
  if (machine === undefined)
    throw new RepaveError('ENGINE_FAILED', `the Docker engine runs on ${architecture}`, {
      hint: `run it on one of: ${Object.keys(machines).join(', ')}`,
    })
  const size = headerSize + programHeaderSize + machine.code.length
  return Buffer.concat([fileHeader(machine), programHeader(size), machine.code])
}

function fileHeader({ elfMachine }: Machine): Buffer {
  const header = Buffer.alloc(headerSize)
  header.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]) // "\x7fELF", 64 bit, little endian, version 1
  header.writeUInt16LE(2, 16) // e_type: executable at a fixed address
  header.writeUInt16LE(elfMachine, 18)
  header.writeUInt32LE(1, 20) // e_version
  header.writeBigUInt64LE(loadAddress + BigInt(headerSize + programHeaderSize), 24) // e_entry: the code
  header.writeBigUInt64LE(BigInt(headerSize), 32) // e_phoff: the program header follows
  header.writeUInt16LE(headerSize, 52) // e_ehsize
  header.writeUInt16LE(programHeaderSize, 54) // e_phentsize
  header.writeUInt16LE(1, 56) // e_phnum; there are no sections
  return header
}

function programHeader(size: number): Buffer {
  const header = Buffer.alloc(programHeaderSize)
  header.writeUInt32LE(1, 0) // p_type: loadable
  header.writeUInt32LE(5, 4) // p_flags: read, execute
  header.writeBigUInt64LE(loadAddress, 16) // p_vaddr, p_paddr; the file's offset is 0
  header.writeBigUInt64LE(loadAddress, 24)
  header.writeBigUInt64LE(BigInt(size), 32) // p_filesz, p_memsz
  header.writeBigUInt64LE(BigInt(size), 40)
  header.writeBigUInt64LE(0x10000n, 48) // p_align: the largest page size
  return header
}

export interface PauseArchive {
  readonly content: Buffer
  /** What the engine names an uncompressed layer: the SHA-256 of the archive. */
  readonly layer: `sha256:${string}`
}

/** A tar archive with the program alone in it, the same at each call. */
export async function pauseArchive(architecture: string): Promise<PauseArchive> {
  const archive = pack()
  archive.entry(
    { name: pauseImage.path.slice(1), mode: 0o555, mtime: new Date(0), uid: 0, gid: 0 },
    pauseProgram(architecture),
  )
  archive.finalize()
  const content = await buffer(Readable.from(archive))
  return { content, layer: `sha256:${createHash('sha256').update(content).digest('hex')}` }
}
