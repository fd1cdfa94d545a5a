/** The sensor of a Linux machine, for whoever runs as root there. */
import { EventEmitter, once } from 'node:events'
import { Worker } from 'node:worker_threads'
import { RepaveError } from '../../errors.ts'
import type { Sense } from '../../model/touch.ts'
import { unseen } from '../no-sensor.ts'
import { sensorLayers, type SensedTouch, type Sensor, type SensorSubject } from '../sensor.ts'
import { openLibc, systemCallFailed, type Libc } from './libc.ts'
import type { Command, Message, WorkerOptions } from './messages.ts'

export interface LinuxSensorOptions {
  /** Told what went wrong inside, which ended nothing. */
  readonly onFault?: (reason: string) => void
}

/** Begins to work when it is first asked for something. */
export function createLinuxSensor(options: LinuxSensorOptions = {}): Sensor {
  return new LinuxSensor(options)
}

/** Why there can be no such sensor here; undefined where there can. */
export function whyNoLinuxSensor(): { readonly reason: string; readonly remedy: string } | undefined {
  if (process.platform !== 'linux')
    return {
      reason: `the sensor needs Linux, this is ${process.platform}`,
      remedy: 'run the controller on the engine’s own Linux machine',
    }
  if (process.geteuid?.() !== 0) return { reason: 'the sensor needs root', remedy: 'run the controller as root' }
  return undefined
}

interface Running {
  readonly worker: Worker
  readonly bell: number
  readonly senses: Promise<readonly Sense[]>
}

class LinuxSensor implements Sensor {
  readonly #options: LinuxSensorOptions
  readonly #libc: Libc = openLibc()
  readonly #touches = new EventEmitter<{ touched: [SensedTouch] }>()
  readonly #following = new Map<number, PromiseWithResolvers<void>>()
  #running: Running | undefined
  #isStopped = false
  #subjects: readonly SensorSubject[] = []
  #lastId = 0

  constructor(options: LinuxSensorOptions) {
    this.#options = options
    this.#touches.setMaxListeners(0)
  }

  async senses(): Promise<readonly Sense[]> {
    return this.#isStopped ? stoppedSenses : this.#run().senses
  }

  async follow(subjects: readonly SensorSubject[]): Promise<void> {
    if (this.#isStopped) return
    this.#subjects = subjects
    const running = this.#run()
    await running.senses
    const id = (this.#lastId += 1)
    const followed = Promise.withResolvers<void>()
    this.#following.set(id, followed)
    this.#send(running, { kind: 'follow', id, subjects })
    return followed.promise
  }

  async watch(listener: (sensed: SensedTouch) => void, signal: AbortSignal): Promise<void> {
    this.#touches.on('touched', listener)
    try {
      if (!signal.aborted) await once(signal, 'abort')
    } finally {
      this.#touches.off('touched', listener)
    }
  }

  async stop(): Promise<void> {
    this.#isStopped = true
    const running = this.#running
    if (running === undefined) return
    const ended = once(running.worker, 'exit')
    this.#send(running, { kind: 'stop' })
    await ended
  }

  #send({ worker, bell }: Running, command: Command): void {
    worker.postMessage(command, [])
    this.#libc.write(bell, oneRing)
  }

  #run(): Running {
    this.#running ??= this.#start()
    return this.#running
  }

  #start(): Running {
    const bell = this.#libc.eventfd()
    if (bell < 0) throw systemCallFailed('eventfd', this.#libc.errno())
    const workerData: WorkerOptions = { bell }
    const worker = new Worker(workerFile, { workerData, trackUnmanagedFds: false })
    const began = Promise.withResolvers<readonly Sense[]>()
    let toClose: readonly number[] = []
    let failure = 'it ended by itself'
    worker.on('message', (message: Message) => {
      if (message.kind === 'began') toClose = message.descriptors
      if (message.kind === 'began') began.resolve(message.senses)
      if (message.kind === 'stopped') toClose = []
      this.#hear(message)
    })
    worker.on('error', (error) => (failure = String(error)))
    worker.on('exit', () => {
      for (const descriptor of [...toClose, bell]) this.#libc.close(descriptor)
      began.resolve(missingSenses(failure))
      this.#ended(failure)
    })
    return { worker, bell, senses: began.promise }
  }

  #hear(message: Message): void {
    if (message.kind === 'touched') this.#touches.emit('touched', message.sensed)
    if (message.kind === 'failed') this.#options.onFault?.(message.reason)
    if (message.kind === 'followed') this.#followed(message.id, message.failure)
  }

  #followed(id: number, failure: string | undefined): void {
    if (failure === undefined) this.#following.get(id)?.resolve()
    else this.#following.get(id)?.reject(sensorFailed(failure))
    this.#following.delete(id)
  }

  /** Another thread takes its place after a while, or when something is asked of it. */
  #ended(failure: string): void {
    this.#running = undefined
    for (const id of this.#following.keys()) this.#followed(id, this.#isStopped ? undefined : failure)
    if (this.#isStopped) return
    this.#options.onFault?.(failure)
    setTimeout(() => this.#resume(), resumeAfterMs).unref()
  }

  #resume(): void {
    if (this.#running !== undefined || this.#isStopped || this.#subjects.length === 0) return
    this.follow(this.#subjects).catch((error: unknown) => this.#options.onFault?.(String(error)))
  }
}

const resumeAfterMs = 1_000

const oneRing = Buffer.from([1, 0, 0, 0, 0, 0, 0, 0])

/** Beside this file, as it is: the compiler rewrites imports, but no URLs. */
const workerFile = new URL(`./sensor-worker${import.meta.url.endsWith('.ts') ? '.ts' : '.js'}`, import.meta.url)

function missingSenses(reason: string): readonly Sense[] {
  const remedy = 'look at the log of the controller, and start it again'
  return sensorLayers.map((layer) => ({ layer, state: 'missing', detail: `${reason}; ${unseen[layer]}`, remedy }))
}

const stoppedSenses = missingSenses('the sensor was stopped')

function sensorFailed(reason: string): RepaveError {
  return new RepaveError('INTERNAL', `the sensor failed: ${reason}`, {
    hint: 'it starts anew with what is asked of it next; repave doctor tells which of its layers work',
  })
}
