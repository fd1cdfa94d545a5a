/**
 * Refuses names that HAProxy's configuration or command line would read as something else.
 *
 * Everything that comes from a stack file or an engine passes here before it is written to either.
 */
import { isIP } from 'node:net'
import { RepaveError } from '../../errors.ts'
import type { Address } from '../../model/address.ts'
import type { Route } from '../../model/stack.ts'
import type { PoolName, RoutedService } from '../router.ts'

const objectName = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,200}$/
const hostName = /^[a-z0-9_]([a-z0-9_.-]{0,251}[a-z0-9_])?$/
/** RFC 3986 path characters but for the semicolon, which ends a HAProxy command. */
const routePath = /^\/[A-Za-z0-9\-._~!$&'()*+,=:@%/]{0,1000}$/

export function checkServices(services: readonly RoutedService[]): void {
  for (const { pool, routes } of services) {
    checkName(pool)
    routes.forEach(checkRoute)
  }
}

export function checkServer(pool: string, instance: string, address: Address): void {
  checkName(pool)
  checkName(instance)
  if (isIP(address.host) === 0 || !isPort(address.port))
    throw invalid(`the address ${JSON.stringify(`${address.host}:${address.port}`)} of ${instance}`, 'an IP address')
}

export function checkSplit(pool: PoolName, toB: number): void {
  checkName(pool)
  if (!Number.isInteger(toB) || toB < 0 || toB > 1000) throw invalid(`the split ${toB} of ${pool}`, '0 to 1000')
}

export function checkName(name: string): void {
  if (!objectName.test(name)) throw invalid(`the name ${JSON.stringify(name)}`, 'letters, digits, dots and dashes')
}

function checkRoute(route: Route): void {
  const { address, port } = route.listen
  if (isIP(address) === 0) throw invalid(`the listen address ${JSON.stringify(address)}`, 'an IPv4 or IPv6 address')
  if (!isPort(port)) throw invalid(`the listen port ${port}`, 'a number from 1 to 65535')
  if (route.host !== undefined && !hostName.test(route.host))
    throw invalid(`the host ${JSON.stringify(route.host)}`, 'a lower-case DNS name')
  if (!routePath.test(route.path))
    throw invalid(`the path ${JSON.stringify(route.path)}`, 'a URL path that starts with / and has no ; ? # or space')
}

function isPort(port: number): boolean {
  return Number.isInteger(port) && port >= 1 && port <= 65535
}

function invalid(what: string, wanted: string): RepaveError {
  return new RepaveError('FILE_INVALID', `the router can't use ${what}`, { hint: `use ${wanted}` })
}
