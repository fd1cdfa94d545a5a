/** Routes as people write and read them. */
import type { Route } from './stack.ts'

/** `http://shop.localhost:8080/api`; where a route takes any host, that of its listen address. */
export function routeUrl(route: Route): string {
  const { listen, host, path, tls } = route
  const scheme = tls ? 'https' : 'http'
  return `${scheme}://${host ?? reachableHost(listen.address)}:${listen.port}${path}`
}

function reachableHost(address: string): string {
  if (address === '*' || address === '0.0.0.0' || address === '::') return 'localhost'
  return address.includes(':') ? `[${address}]` : address
}

/** Two routes with the same key can't both exist on one machine. */
export function routeKey(route: Route): string {
  return `${route.listen.address}:${route.listen.port} ${route.host ?? '*'} ${route.path}`
}
