/** The whole of haproxy.cfg, as a function of what it is about. Paths in it are relative to its folder. */
import { createHash, randomUUID } from 'node:crypto'
import type { Address } from '../../model/address.ts'
import type { Route } from '../../model/stack.ts'
import type { Lane, RoutedService, RouterServer } from '../router.ts'
import { figuresLine, figuresRing } from './figures.ts'
import { backendName, holdSeat, lanes, ownSeat, spareSeat } from './lanes.ts'
import { listenerName, noPool } from './routing.ts'
import { workerSocketName } from './worker-socket.ts'

export interface Listener {
  readonly listen: Route['listen']
  /** PEM files; none: plain HTTP. */
  readonly certificates: readonly string[]
}

/** What only a reload can change. */
export interface Layout {
  readonly listeners: readonly Listener[]
  readonly pools: readonly string[]
  /** Whom workers become, where HAProxy is started by root. */
  readonly account?: { readonly user: string; readonly group: string }
  readonly maxConnections: number
}

/** A server that is written into the file because it has to live through a reload. */
export interface StaticServer {
  readonly pool: string
  readonly instance: string
  readonly address: Address
  readonly lane: Lane
  /** Draining and down ones start disabled, and are set to their state once the new worker answers. */
  readonly state: RouterServer['state']
}

export const routesFile = 'routes.map'
export const tlsFile = 'tls.map'
export const splitFile = 'split.map'
export const jailFolder = 'jail'
export const pemFolder = 'certificates'
export const accountingBackend = 'repave:routes'

/**
 * `observe layer4` takes a dead server out at its second failed connection in a row: where a machine stalls for longer
 * than a connection may take, one fails at each of many servers that are well. Dynamic servers ignore `default-server`,
 * so everything is said here.
 */
export const ownServerOptions = [
  'check inter 500ms fastinter 100ms fall 2 rise 1',
  'observe layer4 error-limit 2 on-error mark-down',
].join(' ')

/** Never taken for down, so that requests wait where all are: for one of these, too, or for one of the lane's own. */
export const spareServerOptions = 'backup'

export function frontendName(listen: Route['listen']): string {
  return `listen:${listen.port}:${listen.address}`
}

/** 16 hex digits that change when a reload is needed. */
export function layoutId(layout: Layout): string {
  return createHash('sha256')
    .update(renderConfig(layout, [], ''))
    .digest('hex')
    .slice(0, 16)
}

/** What a configuration tells of itself: its layout, in which form this build writes any, and a name of its own. */
export function describe(layout: Layout): string {
  return `${layoutId(layout)} ${formId} ${randomUUID()}`
}

/** Of a configuration that describes itself so: its layout, and whether this build would write it in the same form. */
export function parseDescription(description: string): { readonly layoutId: string; readonly isOfThisForm: boolean } {
  const [id = '', form] = description.split(' ')
  return { layoutId: id, isOfThisForm: form === formId }
}

/** The listeners that the routes of `services` need; `pemOf` names the file with a route's certificate and key, if any. */
export function listenersOf(
  services: readonly RoutedService[],
  pemOf: (tls: NonNullable<Route['tls']>) => string | undefined,
): readonly Listener[] {
  const listeners = new Map<string, Listener>()
  for (const { listen, tls } of services.flatMap((service) => service.routes)) {
    const name = listenerName(listen)
    const certificates = new Set(listeners.get(name)?.certificates)
    const pem = tls && pemOf(tls)
    if (pem !== undefined) certificates.add(pem)
    listeners.set(name, { listen, certificates: [...certificates].toSorted() })
  }
  return [...listeners].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, listener]) => listener)
}

/** `description` comes back in `show info`, and tells which configuration a worker runs. */
export function renderConfig(layout: Layout, servers: readonly StaticServer[], description: string): string {
  const sections = [
    renderGlobal(layout, description),
    [`ring ${figuresRing}`, 'format raw', 'maxlen 1024', `size ${1024 * 1024}`],
    defaults,
    ...layout.listeners.map((listener) => renderListener(listener, layout)),
    ...layout.listeners.map((listener) => renderHandover(listener, layout)),
    ...layout.pools.flatMap((pool) => lanes.map((lane) => renderLane(pool, lane, servers))),
    [`backend ${accountingBackend}`, `http-request set-var(txn.tls) str(),map_str(${tlsFile})`],
  ]
  return `# Written by Repave; changes are lost.\n${sections.map(renderSection).join('\n')}`
}

/** The smallest configuration that shows whether HAProxy takes a PEM file. */
export function renderTrial(pemFile: string): string {
  return [['global', ...tlsOptions], defaults, ['frontend trial', `bind 127.0.0.1:1 ${tlsBind([pemFile])}`]]
    .map(renderSection)
    .join('\n')
}

function renderSection([head, ...lines]: readonly string[]): string {
  return `${head}\n${lines.map((line) => `  ${line}\n`).join('')}`
}

function renderGlobal({ account, maxConnections }: Layout, description: string): readonly string[] {
  return [
    'global',
    `description "${description}"`,
    `maxconn ${maxConnections}`,
    'hard-stop-after 24h',
    'mworker-max-reloads 200',
    `stats socket unix@${workerSocketName} mode 600 level admin`,
    'stats maxconn 100',
    // The longest that there is: who measures may hear nothing for long.
    'stats timeout 24d',
    ...tlsOptions,
    'tune.bufsize 16384',
    'tune.http.maxhdr 101',
    ...(account ? [`user ${account.user}`, `group ${account.group}`, `chroot ${jailFolder}`] : []),
  ]
}

const tlsOptions = ['ssl-default-bind-options ssl-min-ver TLSv1.2', 'tune.ssl.default-dh-param 2048']

function tlsBind(certificates: readonly string[]): string {
  return `ssl${certificates.map((file) => ` crt ${file}`).join('')} alpn h2,http/1.1`
}

const plainErrors = [
  [400, 'the request is not valid HTTP'],
  [403, 'the request is not allowed'],
  [408, 'the request took too long to arrive'],
  [500, 'the router failed'],
  [502, 'the instance did not answer as it should'],
  [503, 'no instance can answer'],
  [504, 'the instance took too long to answer'],
] as const

/**
 * A connection to an instance serves one request. On one that was used before, to an instance that dies, a request
 * would use up all of its retries at once: on other dead connections, and without the pause between attempts.
 *
 * `http-pretend-keepalive` lets HAProxy close it, with a reset, which leaves no TIME_WAIT behind on either side.
 */
const defaults = [
  'defaults',
  'mode http',
  'balance leastconn',
  'option dontlognull',
  'option http-server-close',
  'option http-pretend-keepalive',
  'option idle-close-on-response',
  'timeout connect 200ms',
  'timeout client 60s',
  'timeout client-fin 10s',
  'timeout http-request 10s',
  'timeout http-keep-alive 75s',
  'timeout queue 6s',
  'timeout server 300s',
  // A client that left an upgraded connection must not leave the instance's half of it behind.
  'timeout server-fin 5s',
  'timeout tunnel 1h',
  ...plainErrors.map(([status, text]) => `http-error status ${status} content-type text/plain string "${text}\\n"`),
]

/**
 * Requests that reach a worker which a reload has replaced, on a connection that it still keeps alive, are
 * handed to its successor through the listener's second, private socket: the old worker's servers can no
 * longer be changed, and may be gone.
 */
function renderListener({ listen, certificates }: Listener, { account }: Layout): readonly string[] {
  const name = listenerName(listen)
  const tls = certificates.length > 0
  const owner = account ? `user ${account.user} group ${account.group} ` : ''
  const lookup = (host: string) => [
    `http-request set-var-fmt(txn.route) "${name}|${host}%[path]/" unless { var(txn.pool) -m found }`,
    `http-request set-var(txn.pool) var(txn.route),map_beg(${routesFile}) unless { var(txn.pool) -m found }`,
  ]
  return [
    `frontend ${frontendName(listen)}`,
    `log ring@${figuresRing} format raw local0`,
    `log-format "${figuresLine}"`,
    `bind ${name}${tls ? ` ${tlsBind(certificates)}` : ''}`,
    `bind unix@${jailFolder}/${handoverSocket(listen)} ${owner}mode 600 accept-proxy`,
    ...lookup('%[req.hdr(host),host_only,rtrim(.),lower]'),
    ...lookup('*'),
    `acl routed var(txn.pool) -m found`,
    `acl unrouted var(txn.pool) -m str ${noPool}`,
    `http-request return status 404 content-type text/plain string "no route for this host and path\\n" if !routed or unrouted`,
    'http-request set-header X-Forwarded-For %[src]',
    `http-request set-header X-Forwarded-Proto ${tls ? 'https' : 'http'}`,
    `http-request set-var(txn.to_b) var(txn.pool),map_str_int(${splitFile},0)`,
    `http-request set-var-fmt(txn.lane) "${backendName('%[var(txn.pool)]', 'b')}" if { rand(1000),sub(txn.to_b) lt 0 }`,
    'http-request set-var(txn.lane) var(txn.pool) unless { var(txn.lane) -m found }',
    `use_backend handover:${listen.port}:${listen.address} if { stopping }`,
    'use_backend %[var(txn.lane)]',
  ]
}

/** A worker in its jail sees the sockets at its root. */
function renderHandover({ listen }: Listener, { account }: Layout): readonly string[] {
  const path = account ? `/${handoverSocket(listen)}` : `${jailFolder}/${handoverSocket(listen)}`
  return [`backend handover:${listen.port}:${listen.address}`, 'retries 30', `server next unix@${path} send-proxy-v2`]
}

function handoverSocket(listen: Route['listen']): string {
  const digest = createHash('sha256').update(listen.address).digest('hex').slice(0, 8)
  return `${listen.port}-${digest}.sock`
}

/**
 * `leastconn`, since requests differ in length, and an instance that is slow or new should get what it can bear.
 *
 * Where a lane has no server that is up, requests go to the spare ones of the other lane, or else to one where nothing
 * listens. Where these refuse them too, they try 30 times with 200 ms between: they wait some 6 s for a server to come.
 * An instance's dead address, too, costs 200 ms an attempt.
 */
function renderLane(pool: string, lane: Lane, servers: readonly StaticServer[]): readonly string[] {
  const seated = servers.filter((server) => server.pool === pool)
  const own = seated.filter((server) => server.lane === lane)
  const spare = seated.filter((server) => server.lane !== lane)
  const isHeld = spare.every(({ state }) => state === 'draining')
  return [
    `backend ${backendName(pool, lane)}`,
    'option redispatch 1',
    'option allbackups',
    'retries 30',
    'retry-on conn-failure empty-response junk-response',
    'http-request disable-l7-retry unless METH_GET || METH_HEAD || METH_OPTIONS',
    `server ${holdSeat(pool, lane).server} 127.0.0.1:1 backup${isHeld ? '' : ' disabled'}`,
    ...own.map((server) => renderSeat(ownSeat, ownServerOptions, server, server.state !== 'in')),
    ...spare.map((server) => renderSeat(spareSeat, spareServerOptions, server, server.state === 'draining')),
  ]
}

function renderSeat(
  seatOf: typeof ownSeat,
  options: string,
  { pool, instance, lane, address }: StaticServer,
  isDisabled: boolean,
): string {
  const at = listenerName({ address: address.host, port: address.port })
  return `server ${seatOf(pool, instance, lane).server} ${at} ${options}${isDisabled ? ' disabled' : ''}`
}

/** Changes when another build writes the same layout in another way. */
const formId = layoutId({
  listeners: [{ listen: { address: '127.0.0.1', port: 1 }, certificates: [`${pemFolder}/any.pem`] }],
  pools: ['any'],
  account: { user: 'any', group: 'any' },
  maxConnections: 1,
})
