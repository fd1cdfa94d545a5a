/** Containers for the sensor's suite, confined as instances are, and hands from outside that touch them. */
import { execFile, type ExecFileException } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { Readable } from 'node:stream'
import { pack } from 'tar-stream'
import type { TouchKind } from '../../src/model/touch.ts'
import { createLinuxSensor } from '../../src/sensor/linux/linux-sensor.ts'
import type { SensedTouch, Sensor, SensorSubject } from '../../src/sensor/sensor.ts'
import { EngineApi } from '../end-to-end/engine-api.ts'
import { eventually } from '../end-to-end/eventually.ts'

const image = 'localhost:1/repave-sensor:1'
/** From the Debian package busybox-static. */
const busyboxPath = '/bin/busybox'
const dockerfile = `FROM scratch
COPY busybox /bin/busybox
COPY script.sh /bin/script.sh
RUN ["/bin/busybox", "ln", "-s", "/bin/busybox", "/bin/sh"]
ENV PATH=/bin
ENTRYPOINT ["/bin/busybox"]
`
const script = '#!/bin/sh\n:\n'

export const idle = 'trap "exit 0" TERM; while :; do /bin/busybox sleep 3600 & wait; done'

export interface Container {
  readonly id: string
  readonly pid: number
  readonly subject: SensorSubject
}

interface ContainerWishes {
  readonly shell?: string
  readonly tmpfs?: Readonly<Record<string, string>>
  readonly data?: readonly string[]
  readonly isRootWritable?: boolean
  /** Shares the network of this container. */
  readonly sandbox?: Container
  /** Has a network, and not only itself. */
  readonly isConnected?: boolean
  readonly hasInit?: boolean
}

export class SensorFixture {
  readonly engine = new EngineApi()
  readonly label = `repave-sensor-test=${randomUUID()}`
  readonly touches: SensedTouch[] = []
  readonly faults: string[] = []
  readonly sensor: Sensor = createLinuxSensor({ onFault: (reason) => this.faults.push(reason) })
  readonly #over = new AbortController()
  #count = 0
  #network: Promise<string> | undefined

  async begin(): Promise<void> {
    if (process.getuid?.() !== 0) throw new Error('the suite of the sensor needs root')
    await buildImage(this.engine)
    void this.sensor.watch((sensed) => this.touches.push(sensed), this.#over.signal)
  }

  async end(): Promise<void> {
    this.#over.abort()
    await this.sensor.stop()
    await this.engine.removeAll(this.label)
    await this.engine.close()
  }

  /** Ends what a test has started, which would take the CPU from the next one. */
  async clear(): Promise<void> {
    await this.sensor.follow([])
    await this.engine.removeContainers(this.label)
  }

  async start(wishes: ContainerWishes = {}): Promise<Container> {
    const name = `repave-sensor-${(this.#count += 1)}-${randomUUID().slice(0, 8)}`
    const { Id: id } = await this.engine.call<{ Id: string }>('POST', `/containers/create?name=${name}`, {
      Image: image,
      Cmd: ['sh', '-c', wishes.shell ?? idle],
      Labels: this.#labels,
      HostConfig: {
        NetworkMode: await this.#networkMode(wishes),
        Init: wishes.hasInit === true,
        ReadonlyRootfs: wishes.isRootWritable !== true,
        Tmpfs: wishes.tmpfs ?? { '/tmp': 'rw,noexec,nosuid,nodev,mode=1777,size=16m' },
        Mounts: (wishes.data ?? []).map((path) => ({ Type: 'volume', Target: path })),
        CapDrop: ['ALL'],
        SecurityOpt: ['no-new-privileges'],
        IpcMode: 'private',
        CgroupnsMode: 'private',
      },
    })
    await this.engine.call('POST', `/containers/${id}/start`)
    const pid = await this.engine.firstProcess(id)
    const subject: SensorSubject = {
      instance: name,
      containerId: id,
      pid,
      ...(wishes.sandbox && { sandboxPid: wishes.sandbox.pid, sandboxId: wishes.sandbox.id }),
      uid: 0,
      tmpfs: Object.keys(wishes.tmpfs ?? { '/tmp': '' }),
      data: wishes.data ?? [],
      image: 'sha256:test',
      ...(wishes.isRootWritable && { isRootWritable: true }),
    }
    return { id, pid, subject }
  }

  async #networkMode({ sandbox, isConnected = false }: ContainerWishes): Promise<string> {
    if (sandbox) return `container:${sandbox.id}`
    return isConnected ? this.#ownNetwork() : 'none'
  }

  /** The engine's default one is not there on every machine. */
  #ownNetwork(): Promise<string> {
    this.#network ??= this.engine
      .call<{ Id: string }>('POST', '/networks/create', { Name: `repave-sensor-${randomUUID()}`, Labels: this.#labels })
      .then(({ Id }) => Id)
    return this.#network
  }

  get #labels(): Readonly<Record<string, string>> {
    return Object.fromEntries([this.label.split('=')]) as Record<string, string>
  }

  /** A container that nothing else is followed beside, with nothing told yet. */
  async followed(wishes: ContainerWishes = {}, subject: Partial<SensorSubject> = {}): Promise<Container> {
    const container = await this.start(wishes)
    this.touches.length = 0
    await this.sensor.follow([{ ...container.subject, ...subject }])
    return container
  }

  /** Waits for a touch of the container. */
  async touch(container: Container, kind: TouchKind): Promise<SensedTouch['touch']> {
    const find = () =>
      this.touches.find(({ instance, touch }) => instance === container.subject.instance && touch.kind === kind)
    await eventually(`${kind} is told`, () => find() !== undefined, 5_000).catch((error: unknown) => {
      throw new Error(
        `${String(error)}; told were ${JSON.stringify(this.touches)}, faults ${JSON.stringify(this.faults)}`,
      )
    })
    return find()!.touch
  }

  /** On the host: what the container sees as its root, or only what was written to it. */
  async folder(container: Container, which: 'MergedDir' | 'UpperDir'): Promise<string> {
    const { GraphDriver } = await this.engine.inspect(container.id)
    return (GraphDriver.Data as unknown as Readonly<Record<string, string>>)[which] ?? ''
  }

  /** Runs a program on the host; its code, and what it wrote. */
  run(...command: readonly [string, ...string[]]): Promise<{ readonly code: number; readonly output: string }> {
    return run(...command)
  }
}

export function run(
  program: string,
  ...args: readonly string[]
): Promise<{ readonly code: number; readonly output: string }> {
  return new Promise((resolve) => {
    execFile(program, args, (error: ExecFileException | null, stdout, stderr) =>
      resolve({ code: typeof error?.code === 'number' ? error.code : error ? 1 : 0, output: `${stdout}${stderr}` }),
    )
  })
}

async function buildImage(engine: EngineApi): Promise<void> {
  if (await engine.hasImage(image)) return
  const busybox = await readFile(busyboxPath).catch(() => {
    throw new Error(`${busyboxPath} is missing, which the test image is made of: apt-get install busybox-static`)
  })
  const tar = pack()
  for (const [name, content] of Object.entries({ Dockerfile: dockerfile, busybox, 'script.sh': script }))
    tar.entry({ name, mode: 0o755 }, content)
  tar.finalize()
  await engine.build(image, Readable.from(tar))
}
