/** Routes as people write and read them. */
import type { Route } from './stack.ts'

/** `http://shop.localhost:8080/api`; where a route takes any host, that of its listen address. */
export function routeUrl(route: Route): string {
  const { listen, host, path, tls } = route
  const scheme = tls ? 'https' : 'http'
  return `${scheme}://${host ?? reachableHost(listen.address)}:${listen.port}${path}`
}

function reachableHost(address: string): string {
  if (isEveryAddress(address)) return 'localhost'
  return address.includes(':') ? `[${address}]` : address
}

/** Two routes with the same key can't both exist on one machine. */
export function routeKey(route: Route): string {
  return `${route.listen.address}:${route.listen.port} ${route.host ?? '*'} ${route.path}`
}

/** Whether one has the port on all addresses and the other on one of them, whose connections would be taken from it. */
export function overlaps(one: Route, other: Route): boolean {
  const [a, b] = [one.listen, other.listen]
  return a.port === b.port && a.address !== b.address && (isEveryAddress(a.address) || isEveryAddress(b.address))
}

/** A listener is TLS for all of its routes or for none. */
export function mixesTls(one: Route, other: Route): boolean {
  const isSame = one.listen.address === other.listen.address && one.listen.port === other.listen.port
  return isSame && (one.tls === undefined) !== (other.tls === undefined)
}

function isEveryAddress(address: string): boolean {
  return address === '*' || address === '0.0.0.0' || address === '::'
}
