/**
 * Sandboxes: pause containers made ahead, whose network namespace an instance joins.
 *
 * Half of the cost of a start is making a network namespace and putting it on a bridge; with a sandbox that has
 * been paid before. An instance has its sandbox to itself: one is never handed out twice, nor when it is dead.
 */
import { scopeName, type Scope } from '../../model/stack.ts'
import { containerRecord, createdObject, type ContainerBody, type ContainerRecord } from './container-record.ts'
import { parseAnswer, type DockerClient } from './docker-client.ts'
import type { DockerImages } from './docker-images.ts'
import { scopeLabels } from './labels.ts'
import type { GivenUp } from './given-up.ts'
import { hasNoSockets } from './local-process.ts'
import { hasLink } from './network-link.ts'
import { pauseImage } from './pause-image.ts'
import type { ScopeNetworks } from './scope-networks.ts'

/** A sandbox as a look at the engine shows it. */
export interface SeenSandbox {
  readonly id: string
  readonly name: string
  readonly scope: Scope
  readonly isRunning: boolean
  /** Whether an instance is in it. */
  readonly isUsed: boolean
}

interface Spare {
  readonly made: Promise<string>
  /** Known once it is made. */
  id?: string
}

interface ScopePool {
  readonly scope: Scope
  target: number
  spares: Spare[]
}

export class SandboxPool {
  readonly #client: DockerClient
  readonly #owner: string
  readonly #networks: ScopeNetworks
  readonly #images: DockerImages
  readonly #givenUp: GivenUp
  readonly #pools = new Map<string, ScopePool>()
  /**
   * All that this pool has in hand, by id, with the number of the look that was begun last when it was made; others are
   * left from an earlier life of the controller.
   */
  readonly #known = new Map<string, number>()
  /** Those that were removed, with the number of the look that was begun last before: it may have seen them. */
  readonly #removed = new Map<string, number>()
  /** Names of sandboxes whose ids are not known yet. */
  readonly #making = new Set<string>()
  /** Sandboxes handed out: `vacant` until the instance is made, then the number of the look that was begun last. */
  readonly #taken = new Map<string, 'vacant' | number>()
  #looks = 0
  readonly #removals = new Set<Promise<void>>()

  constructor(client: DockerClient, owner: string, networks: ScopeNetworks, images: DockerImages, givenUp: GivenUp) {
    this.#client = client
    this.#owner = owner
    this.#networks = networks
    this.#images = images
    this.#givenUp = givenUp
  }

  /** The id of a living sandbox that nobody else has. */
  async take(scope: Scope): Promise<string> {
    const id = (await this.#takeSpare(scope)) ?? (await this.#make(scope))
    this.#taken.set(id, 'vacant')
    return id
  }

  async #takeSpare(scope: Scope): Promise<string | undefined> {
    const pool = this.#pool(scope)
    for (let spare = pool.spares.shift(); spare; spare = pool.spares.shift()) {
      const id = await spare.made.catch(() => undefined)
      if (id === undefined) continue
      if ((await this.#inspectRunning(id)) !== undefined) return id
      this.#discard(id)
    }
    return undefined
  }

  /** The instance that the sandbox was taken for has been made. */
  occupy(id: string): void {
    this.#taken.set(id, this.#looks)
  }

  /** Takes back a sandbox whose instance is gone; `isReusable` unless the instance may have changed it. */
  async giveBack(scope: Scope, id: string, isReusable: boolean): Promise<void> {
    if (!this.#taken.delete(id)) return
    const pool = this.#pool(scope)
    if (isReusable && !this.#givenUp.has(id) && pool.spares.length < pool.target && (await this.#isClean(id))) {
      pool.spares.push({ id, made: Promise.resolve(id) })
      this.#trim(pool)
    } else this.#discard(id)
  }

  /** Keeps `count` spare ones from now on; resolves when they are there. */
  async reserve(scope: Scope, count: number): Promise<void> {
    const pool = this.#pool(scope)
    pool.target = count
    while (pool.spares.length < count) pool.spares.push(this.#makeSpare(pool))
    this.#trim(pool)
    await Promise.all(pool.spares.map((spare) => spare.made))
  }

  /** How many are ready, or being made, for instances to come. */
  spares(scope: Scope): number {
    return this.#pools.get(scopeName(scope))?.spares.length ?? 0
  }

  /** Call before a look at the engine; `reconcile` wants the number. */
  beginLook(): number {
    this.#looks += 1
    return this.#looks
  }

  /** Somebody has reached a sandbox: no instance gets it, as long as none is in it yet. */
  spoil(id: string): void {
    for (const pool of this.#pools.values()) {
      const isSpoilt = pool.spares.some((spare) => spare.id === id)
      pool.spares = pool.spares.filter((spare) => spare.id !== id)
      if (isSpoilt) this.#discard(id)
    }
  }

  /** The number of the look that was begun last. */
  get lastLook(): number {
    return this.#looks
  }

  /** Compares what a look saw with what is in hand: adopts or removes strays, drops the dead and the deserted. */
  reconcile(seen: readonly SeenSandbox[], look: number): void {
    for (const [id, atLook] of this.#removed) if (atLook < look) this.#removed.delete(id)
    for (const sandbox of seen) {
      if (this.#making.has(sandbox.name) || this.#removed.has(sandbox.id)) continue
      if (!this.#known.has(sandbox.id)) this.#adopt(sandbox)
      if (this.#isDeserted(sandbox, look)) this.#discard(sandbox.id)
    }
    this.#dropDeadSpares(seen, look)
  }

  /** Whether its instance is gone without a `destroy`. Of one made since the look began, the look can't tell. */
  #isDeserted({ id, isUsed }: SeenSandbox, look: number): boolean {
    const occupied = this.#taken.get(id)
    return !isUsed && typeof occupied === 'number' && occupied < look
  }

  /** Removes all sandboxes of a scope, and waits for it. */
  async drain(scope: Scope, seen: readonly SeenSandbox[]): Promise<void> {
    const pool = this.#pool(scope)
    this.#pools.delete(scopeName(scope))
    await Promise.allSettled(pool.spares.map(async (spare) => this.#discard(await spare.made)))
    for (const { id } of seen) this.#discard(id)
    await Promise.all(this.#removals)
  }

  #pool(scope: Scope): ScopePool {
    const name = scopeName(scope)
    const pool = this.#pools.get(name) ?? {
      scope: { stack: scope.stack, environment: scope.environment },
      target: 0,
      spares: [],
    }
    this.#pools.set(name, pool)
    return pool
  }

  #adopt({ id, scope, isRunning, isUsed }: SeenSandbox): void {
    const pool = this.#pool(scope)
    this.#known.set(id, this.#looks)
    if (isUsed) this.#taken.set(id, this.#looks)
    else if (isRunning && pool.spares.length < pool.target) pool.spares.push({ id, made: Promise.resolve(id) })
    else this.#discard(id)
  }

  /** Of those made since the look began, it can't tell. */
  #dropDeadSpares(seen: readonly SeenSandbox[], look: number): void {
    const running = new Set(seen.filter(({ isRunning }) => isRunning).map(({ id }) => id))
    const isDead = ({ id }: Spare) => id !== undefined && !running.has(id) && (this.#known.get(id) ?? 0) < look
    for (const pool of this.#pools.values()) {
      const dead = pool.spares.filter(isDead)
      pool.spares = pool.spares.filter((spare) => !isDead(spare))
      for (const { id } of dead) if (id !== undefined) this.#discard(id)
    }
  }

  #trim(pool: ScopePool): void {
    for (const spare of pool.spares.splice(pool.target)) spare.made.then((id) => this.#discard(id)).catch(() => {})
  }

  #makeSpare(pool: ScopePool): Spare {
    const spare: Spare = { made: this.#make(pool.scope) }
    spare.made.then(
      (id) => (spare.id = id),
      () => (pool.spares = pool.spares.filter((other) => other !== spare)),
    )
    return spare
  }

  /** Makes one; once more where the image or the network turned out to be gone. */
  async #make(scope: Scope): Promise<string> {
    const first = await this.#tryToMake(scope)
    if (first !== undefined) return first
    this.#networks.forget(scope)
    this.#images.forgetPauseImage()
    const second = await this.#tryToMake(scope)
    if (second !== undefined) return second
    throw new Error(`the network of ${scopeName(scope)} vanishes as soon as it is made`)
  }

  async #tryToMake(scope: Scope): Promise<string | undefined> {
    const [networkId] = await Promise.all([this.#networks.ensure(scope), this.#images.ensurePauseImage()])
    const name = sandboxName(scope)
    this.#making.add(name)
    try {
      const id = await this.#create(name, sandboxBody(this.#owner, scope, networkId))
      if (id === undefined) return undefined
      const started = await this.#client.call('startContainer', { subject: id, accept: [404] })
      // A look that was begun before may have seen it when it did not run yet.
      this.#known.set(id, this.#looks)
      if (started.status !== 404) return id
      this.#discard(id)
      return undefined
    } finally {
      this.#making.delete(name)
    }
  }

  async #create(name: string, body: ContainerBody): Promise<string | undefined> {
    const answer = await this.#client.call('createContainer', { query: { name }, body, accept: [404] })
    return answer.status === 404 ? undefined : parseAnswer(createdObject, answer, `create ${name}`).Id
  }

  async #inspectRunning(id: string): Promise<ContainerRecord | undefined> {
    const answer = await this.#client.call('inspectContainer', { subject: id, accept: [404] })
    if (answer.status === 404) return undefined
    const record = parseAnswer(containerRecord, answer, `inspect sandbox ${id}`)
    return record.State.Running ? record : undefined
  }

  /** A lingering connection of the last instance would keep the next one from listening on its port. */
  async #isClean(id: string): Promise<boolean> {
    const record = await this.#inspectRunning(id).catch(() => undefined)
    if (record === undefined || record.NetworkSettings.length !== 1) return false
    return (await hasNoSockets(id, record.State.Pid)) && hasLink(record.State.Pid)
  }

  /** Removes it off the critical path. What fails here is a stray, which a later look finds. */
  #discard(id: string): void {
    this.#givenUp.add(id)
    this.#known.set(id, this.#looks)
    this.#taken.delete(id)
    const removal = this.#client
      .call('removeContainer', { subject: id, query: { force: true, v: true }, accept: [404, 409] })
      .then(
        () => {},
        () => {},
      )
      .finally(() => {
        this.#removed.set(id, this.#looks)
        this.#known.delete(id)
        this.#removals.delete(removal)
      })
    this.#removals.add(removal)
  }
}

function sandboxName(scope: Scope): string {
  return `repave-${scope.stack}-${scope.environment}-sandbox-${crypto.randomUUID().slice(0, 8)}`
}

/** The body of `POST /containers/create` for a sandbox: nothing but a namespace holder. */
export function sandboxBody(owner: string, scope: Scope, networkId: string): ContainerBody {
  return {
    Image: pauseImage.reference,
    Entrypoint: [pauseImage.path],
    Cmd: [],
    User: '65532:65532',
    Labels: { ...scopeLabels(owner, scope, 'sandbox') },
    HostConfig: {
      NetworkMode: networkId,
      ReadonlyRootfs: true,
      CapDrop: ['ALL'],
      SecurityOpt: ['no-new-privileges'],
      IpcMode: 'none',
      CgroupnsMode: 'private',
      PidsLimit: 8,
      Memory: sandboxMemoryBytes,
      MemorySwap: sandboxMemoryBytes,
      LogConfig: { Type: 'none', Config: {} },
      RestartPolicy: { Name: 'no' },
      AutoRemove: false,
    },
  }
}

/** It needs a page or two; what the runtime needs on the way to it is more. */
const sandboxMemoryBytes = 32 * 1024 * 1024
