/** A small client of the Docker Engine API over its unix socket: it sends what `endpoints.ts` lists. */
import { request as httpRequest, type IncomingMessage } from 'node:http'
import { type Duplex, Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { Pool } from 'undici'
import { z } from 'zod'
import { RepaveError } from '../../errors.ts'
import { endpoints, requestPath, type EndpointName, type Query } from './endpoints.ts'
import { connectionError, malformedAnswer, refusal, unlessDiskFull } from './engine-errors.ts'

export interface Call {
  /** The container, network, volume or image that the call is about. */
  readonly subject?: string
  readonly query?: Query
  /** Sent as JSON. */
  readonly body?: object
  /** Statuses, beside success, that the caller knows what to do with. */
  readonly accept?: readonly number[]
  readonly signal?: AbortSignal
  /** How long a call that may wait does; absent: without end. */
  readonly timeoutMs?: number
}

export interface StreamCall extends Omit<Call, 'body' | 'timeoutMs'> {
  /** Sent as a tar archive. */
  readonly archive?: Readable
}

export interface Answer {
  readonly status: number
  /** Parsed JSON; undefined for an empty answer. */
  readonly content: unknown
}

export interface EngineVersion {
  readonly version: string
  /** `amd64`, `arm64` and so on. */
  readonly architecture: string
  /** The API version that the driver speaks to it. */
  readonly api: string
}

/** The API of Docker 20.10. An engine too new for it is spoken to in the oldest version that it still knows. */
const wantedApi = '1.41'
const quickTimeoutMs = 60_000
const maxAnswerBytes = 64 * 1024 * 1024

export class DockerClient {
  readonly socketPath: string
  /** Answers at once, so few connections serve all. */
  readonly #quick: Pool
  /** Calls that may wait must not keep others from being sent. */
  readonly #patient: Pool
  #version: Promise<EngineVersion> | undefined
  #dataRoot: string | undefined

  constructor(socketPath: string) {
    this.socketPath = socketPath
    const timeouts = { headersTimeout: quickTimeoutMs, bodyTimeout: quickTimeoutMs }
    this.#quick = new Pool('http://docker', { socketPath, connections: 8, ...timeouts })
    this.#patient = new Pool('http://docker', { socketPath, headersTimeout: 0, bodyTimeout: 0 })
  }

  /** Sends one request; a status that is neither success nor accepted is an error. */
  async call(endpoint: EndpointName, call: Call = {}): Promise<Answer> {
    const path = await this.#versionedPath(endpoint, call)
    const answer = await this.#send(endpoint, path, call)
    if (isSuccess(answer.status) || call.accept?.includes(answer.status)) return answer
    throw await this.failure(endpoint, call.subject, answer)
  }

  /** Sends one request and hands out its answer as it comes. The reader has to drain it, or to abort `signal`. */
  async stream(endpoint: EndpointName, call: StreamCall): Promise<IncomingMessage> {
    const path = await this.#versionedPath(endpoint, call)
    const response = await this.#open(endpoint, path, call)
    const status = response.statusCode ?? 0
    if (isSuccess(status) || call.accept?.includes(status)) return response
    const content = parseJson(await readText(response, this.socketPath))
    throw await this.failure(endpoint, call.subject, { status, content })
  }

  /** Sends one request by which the engine gives the connection up to what it is about. */
  async hijack(endpoint: EndpointName, call: Call): Promise<Duplex> {
    const path = await this.#versionedPath(endpoint, call)
    const { promise, resolve, reject } = Promise.withResolvers<Duplex>()
    const { socketPath } = this
    const { method } = endpoints[endpoint]
    const text = JSON.stringify(call.body ?? {})
    const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) }
    const upgrade = { connection: 'Upgrade', upgrade: 'tcp' }
    const request = httpRequest({ socketPath, path, method, headers: { ...headers, ...upgrade }, agent: false })
    request.once('upgrade', (_response, socket, head) => {
      if (head.length > 0) socket.unshift(head)
      resolve(socket)
    })
    request.once('response', (response) => {
      readText(response, socketPath)
        .then((words) =>
          this.failure(endpoint, call.subject, { status: response.statusCode ?? 0, content: parseJson(words) }),
        )
        .then(reject, reject)
    })
    request.once('error', (error) => reject(this.translate(error)))
    request.end(text)
    return promise
  }

  /** Who answers on the socket; remembered until the connection breaks. */
  version(): Promise<EngineVersion> {
    this.#version ??= this.#readVersion().catch((error: unknown) => {
      this.#version = undefined
      throw error
    })
    return this.#version
  }

  async #readVersion(): Promise<EngineVersion> {
    const answer = await this.#send('readVersion', requestPath('readVersion', '', {}), {})
    const { Version, ApiVersion, MinAPIVersion, Arch } = parseAnswer(versionAnswer, answer, 'read its version')
    if (compareVersions(ApiVersion, wantedApi) < 0) throw tooOld(Version)
    const api = compareVersions(MinAPIVersion, wantedApi) > 0 ? MinAPIVersion : wantedApi
    return { version: Version, architecture: Arch, api }
  }

  async #versionedPath(endpoint: EndpointName, call: StreamCall): Promise<string> {
    const { api } = await this.version()
    return `/v${api}${requestPath(endpoint, call.subject ?? '', call.query ?? {})}`
  }

  async #send(endpoint: EndpointName, path: string, call: Call): Promise<Answer> {
    const { method, quick } = endpoints[endpoint]
    const pool = quick ? this.#quick : this.#patient
    try {
      const response = await pool.request({
        method,
        path,
        ...(call.body && { body: JSON.stringify(call.body), headers: { 'content-type': 'application/json' } }),
        ...(call.signal && { signal: call.signal }),
        ...(call.timeoutMs !== undefined && { headersTimeout: call.timeoutMs, bodyTimeout: call.timeoutMs }),
      })
      const text = await readText(response.body, this.socketPath)
      return { status: response.statusCode, content: parseJson(text) }
    } catch (error) {
      throw call.signal?.aborted ? error : this.translate(error)
    }
  }

  async #open(endpoint: EndpointName, path: string, call: StreamCall): Promise<IncomingMessage> {
    const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>()
    const { socketPath } = this
    const headers = call.archive ? { 'content-type': 'application/x-tar' } : {}
    const { method } = endpoints[endpoint]
    const request = httpRequest(
      { socketPath, path, method, headers, agent: false, ...pickSignal(call.signal) },
      resolve,
    )
    request.on('error', reject)
    if (call.archive) pipeline(call.archive, request).catch(reject)
    else request.end()
    try {
      return await promise
    } catch (error) {
      throw call.signal?.aborted ? error : (call.archive?.errored ?? this.translate(error))
    }
  }

  /** What broke a connection, or a stream in its middle, as an error of ours. */
  translate(error: unknown): RepaveError {
    if (error instanceof RepaveError) return error
    // Who answers next may be another engine.
    this.#version = undefined
    return connectionError(error, this.socketPath)
  }

  /** An answer that nobody has use for, as an error of ours. */
  async failure(endpoint: EndpointName, subject: string | undefined, answer: Answer): Promise<RepaveError> {
    const action = `${describeEndpoint(endpoint)} ${subject ?? ''}`.trim()
    const error = refusal(action, answer.status, wordsOf(answer))
    return answer.status < 500 ? error : this.unlessDiskFull(error)
  }

  /** `error`, or DISK_FULL where the engine has no room, which may well be the reason. */
  async unlessDiskFull(error: RepaveError): Promise<RepaveError> {
    return unlessDiskFull(error, await this.#readDataRoot())
  }

  async #readDataRoot(): Promise<string | undefined> {
    try {
      const answer = await this.#send('readInfo', await this.#versionedPath('readInfo', {}), {})
      this.#dataRoot = parseAnswer(infoAnswer, answer, 'describe itself').DockerRootDir
    } catch {
      // What is known from before will do: another failure is being reported already.
    }
    return this.#dataRoot
  }
}

/** The unix socket that DOCKER_HOST names, else the usual one. */
export function defaultSocketPath(environment: Readonly<Record<string, string | undefined>>): string {
  const host = environment['DOCKER_HOST'] ?? ''
  if (host === '') return '/var/run/docker.sock'
  if (host.startsWith('unix://')) return host.slice('unix://'.length)
  throw new RepaveError('ENGINE_MISSING', `DOCKER_HOST is ${host}, and only unix:// sockets are supported`, {
    hint: 'unset DOCKER_HOST, or set it to unix:///var/run/docker.sock',
  })
}

/** The content of an answer, checked. */
export function parseAnswer<T>(schema: z.ZodType<T>, answer: Answer, action: string): T {
  const parsed = schema.safeParse(answer.content)
  if (parsed.success) return parsed.data
  throw malformedAnswer(action, parsed.error)
}

/** What the engine says about a failure, in one bounded line. */
export function wordsOf(answer: Answer): string {
  const parsed = messageAnswer.safeParse(answer.content)
  return parsed.success ? parsed.data.message.trim().slice(0, 2000) : 'it gives no reason'
}

const versionAnswer = z.object({
  Version: z.string(),
  ApiVersion: z.string(),
  MinAPIVersion: z.string().default('1.12'),
  Arch: z.string().default('amd64'),
})
const infoAnswer = z.object({ DockerRootDir: z.string() })
const messageAnswer = z.object({ message: z.string() })

function tooOld(version: string): RepaveError {
  return new RepaveError('ENGINE_TOO_OLD', `Docker ${version} is too old`, {
    hint: 'install Docker 20.10 or newer: `apt-get install docker.io`',
  })
}

function isSuccess(status: number): boolean {
  return status >= 200 && status < 300
}

/** Negative where `a` is the older: `1.9` is older than `1.41`. */
function compareVersions(a: string, b: string): number {
  return a.localeCompare(b, 'en', { numeric: true })
}

/** `inspectContainer` as `inspect container`. */
function describeEndpoint(endpoint: EndpointName): string {
  return endpoint.replaceAll(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`)
}

function pickSignal(signal: AbortSignal | undefined): { signal?: AbortSignal } {
  return signal ? { signal } : {}
}

async function readText(body: Readable, socketPath: string): Promise<string> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of body as AsyncIterable<Buffer>) {
    size += chunk.length
    if (size > maxAnswerBytes) throw malformedAnswer(`on ${socketPath}`, new Error(`more than ${maxAnswerBytes} bytes`))
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}

/** Not JSON is no content: whoever needs some finds it missing and says so. */
function parseJson(text: string): unknown {
  if (text === '') return undefined
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
