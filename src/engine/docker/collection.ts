/**
 * Halts an instance for good and takes from it what it shows: from /proc and its own layer where the engine runs on this
 * machine and we are root, else what the engine hands out. Nothing is run in it, and nothing is written to it.
 */
import { statSync } from 'node:fs'
import type { EvidenceOptions, EvidencePart } from '../../model/evidence.ts'
import { readMounts, type Mount } from '../../system/mountinfo.ts'
import { readProc } from '../../system/process-files.ts'
import { changedFiles, FileBudget, type Layers, tmpfsFiles } from './collected-files.ts'
import { sandboxIdOf, type ContainerRecord } from './container-record.ts'
import type { DockerClient } from './docker-client.ts'
import { engineFiles, engineProcesses } from './engine-evidence.ts'
import { jsonPart, missingPart, secretJsonPart } from './evidence-parts.ts'
import { pathText } from './file-tree.ts'
import type { GivenUp } from './given-up.ts'
import { parseSockets, parseUnixSockets } from './socket-tables.ts'
import { isProcessOf } from './local-process.ts'
import { writtenMemory } from './process-memory.ts'
import {
  bootedAtMs,
  type FoundProcess,
  processIds,
  readCommandLine,
  readEnvironment,
  readProcess,
} from './process-table.ts'

/** Of all processes of an instance together. */
const mostMemoryBytes = 256 * 1024 * 1024

export class Collection {
  readonly #client: DockerClient
  readonly #givenUp: GivenUp
  readonly #reach: 'machine' | 'engine'

  /** `reach`: what it may look at; `engine` where the rest is another machine's, or another user's. */
  constructor(client: DockerClient, givenUp: GivenUp, reach: 'machine' | 'engine' = 'machine') {
    this.#client = client
    this.#givenUp = givenUp
    this.#reach = reach
  }

  async *collect(container: ContainerRecord, options: EvidenceOptions): AsyncGenerator<EvidencePart> {
    await this.#halt(container)
    const { Id, State, HostConfig } = container
    const isHere = this.#reach === 'machine' && (await isProcessOf(Id, State.Pid)) && canLookInto(State.Pid)
    const ids = isHere ? await processIds(Id, sandboxIdOf(HostConfig.NetworkMode), State.Pid) : []
    const budget = new FileBudget()
    if (isHere) yield* processParts(ids, Id)
    else yield* engineProcesses(this.#client, container)
    if (isHere) yield* tableParts(State.Pid)
    else yield* missing(container, ['command-lines.json', 'environments.json', 'sockets.json', 'mounts.json'])
    const layers = this.#reach === 'machine' ? layersOf(container) : undefined
    if (layers) yield* changedFiles(layers, stubsOf(container, isHere ? mountsOf(State.Pid) : []), budget)
    else yield* engineFiles(this.#client, container, budget)
    if (isHere) yield* tmpfsParts(State.Pid, budget)
    else yield* missing(container, ['tmpfs'])
    if (options.memory === true && isHere) yield* memoryParts(ids)
    else if (options.memory === true) yield* missing(container, ['memory'])
  }

  /** From then on it is the driver's: nobody wakes it up, and what happens to it is no touch. */
  async #halt({ Id }: ContainerRecord): Promise<void> {
    this.#givenUp.add(Id)
    // One that has ended, or was halted before, can't be halted.
    await this.#client.call('pauseContainer', { subject: Id, accept: [404, 409, 500] })
  }
}

function* missing({ State }: ContainerRecord, names: readonly string[]): Generator<EvidencePart> {
  const reason = State.Running
    ? 'the engine does not hand that out, and its machine can not be looked at from here as root'
    : 'it does not run any more'
  for (const name of names) yield missingPart(name, reason)
}

function canLookInto(pid: number): boolean {
  try {
    statSync(`/proc/${pid}/root/`)
    return true
  } catch {
    return false
  }
}

function* processParts(ids: readonly number[], containerId: string): Generator<EvidencePart> {
  const booted = bootedAtMs()
  const processes = ids.flatMap((pid): FoundProcess[] => {
    const found = readProcess(pid, containerId, booted)
    return found ? [found] : []
  })
  yield jsonPart('processes.json', processes)
  yield secretJsonPart(
    'command-lines.json',
    ids.map((pid) => ({ pid, command: readCommandLine(pid) })),
  )
  yield secretJsonPart(
    'environments.json',
    ids.map((pid) => ({ pid, environment: readEnvironment(pid) })),
  )
}

function* tableParts(pid: number): Generator<EvidencePart> {
  const protocols = ['tcp', 'tcp6', 'udp', 'udp6'] as const
  const sockets = protocols.flatMap((protocol) => parseSockets(protocol, readProc(pid, `net/${protocol}`) ?? ''))
  yield jsonPart('sockets.json', { sockets, unix: parseUnixSockets(readProc(pid, 'net/unix') ?? '') })
  yield jsonPart('mounts.json', mountsOf(pid))
}

async function* tmpfsParts(pid: number, budget: FileBudget): AsyncGenerator<EvidencePart> {
  const paths = mountsOf(pid).filter(isInMemory)
  for (const path of new Set(paths.map((mount) => mount.path))) yield* tmpfsFiles(pid, path, budget)
}

/** Those that anything can be written to; the others cover parts of /proc and /sys. */
function isInMemory({ type, path, options }: Mount): boolean {
  return ['tmpfs', 'ramfs'].includes(type) && options.includes('rw') && !/^\/(proc|sys)(\/|$)/.test(path)
}

function* memoryParts(ids: readonly number[]): Generator<EvidencePart> {
  let left = mostMemoryBytes
  for (const pid of ids) {
    try {
      for (const { start, end, content } of writtenMemory(pid, left)) {
        left -= content.length
        yield { kind: 'found', name: `memory/${pid}/${start}-${end}`, content, isSecret: true }
      }
    } catch (error) {
      yield missingPart(`memory/${pid}`, `it can't be read: ${String(error)}`)
    }
  }
}

function mountsOf(pid: number): readonly Mount[] {
  return readMounts(readProc(pid, 'mountinfo') ?? '')
}

/** Undefined where the engine keeps them otherwise, or elsewhere. */
function layersOf({ GraphDriver }: ContainerRecord): Layers | undefined {
  const { UpperDir: upper, LowerDir: lower = '' } = GraphDriver.Data ?? {}
  if (GraphDriver.Name !== 'overlay2' || upper === undefined) return undefined
  try {
    return statSync(upper).isDirectory() ? { upper, lower: lower.split(':').filter(Boolean) } : undefined
  } catch {
    return undefined
  }
}

/** Where the engine and its runtime make an empty file or folder, to mount something there. */
function stubsOf({ HostConfig, Mounts }: ContainerRecord, mounts: readonly Mount[]): ReadonlySet<string> {
  const paths = [...Object.keys(HostConfig.Tmpfs), ...Mounts.map(({ Destination }) => Destination)]
  const all = [...paths, ...mounts.map(({ path }) => path)].map((path) => pathText(Buffer.from(path)))
  return new Set(all.flatMap(withParents))
}

function withParents(path: string): string[] {
  const names = path.split('/').filter(Boolean)
  return names.map((_, index) => `/${names.slice(0, index + 1).join('/')}`)
}
