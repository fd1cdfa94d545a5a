/** The key `route` of a stack file. */
import { isIP } from 'node:net'
import * as z from 'zod'
import { defaultRoutePath } from './defaults.ts'
import { filePath, isPlainPath, port, within } from './scalars.ts'

const hostPattern =
  /^[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?)*$/
const routePathPattern = /^\/[A-Za-z0-9._~@:+,=/-]*$/

const listen = z
  .union([
    port,
    z.string().regex(/^(?:[0-9.]+|\[[0-9A-Fa-f:.]+\]):[0-9]+$/, {
      error: 'must be a port, or an IP address and a port',
      abort: true,
    }),
  ])
  .meta({
    description: 'Where the router listens: a port on all IPv4 addresses, or an IP address and a port.',
    examples: [8080, '127.0.0.1:8080', '[::1]:8080'],
  })
  .transform((value, context) => {
    const parsed = parseListen(value)
    if (parsed) return parsed
    context.issues.push({ code: 'custom', input: value, message: 'is not an IP address and a port from 1 to 65535' })
    return z.NEVER
  })

const tls = z.strictObject({
  certificate: filePath.meta({
    description: 'PEM file with the certificate and its chain; relative to the stack file, or absolute.',
    examples: ['./certificates/shop.pem'],
  }),
  key: filePath.meta({
    description: 'PEM file with the private key; relative to the stack file, or absolute.',
    examples: ['./certificates/shop.key'],
  }),
})

const route = z.strictObject({
  listen,
  host: z
    .string()
    .regex(hostPattern, { error: 'must be a host name without a port', abort: true })
    .max(253, 'must be at most 253 characters long')
    .meta({
      description: 'Only requests for this host. Default: any host that no other route names.',
      examples: ['shop.example.com'],
    })
    .transform((value) => value.toLowerCase())
    .optional(),
  path: z
    .string()
    .regex(routePathPattern, {
      error: 'must begin with a slash and hold only letters, digits and ._~@:+,=-',
      abort: true,
    })
    .max(1024, 'must be at most 1024 characters long')
    .refine((value) => isPlainPath(value), 'must not hold empty, `.` or `..` segments')
    .meta({
      description: `Only requests below this path, by whole segments; the longest match wins. Default: ${defaultRoutePath}.`,
      examples: ['/', '/api'],
    })
    .transform((value) => (value === '/' ? value : value.replace(/\/$/, '')))
    .optional(),
  tls: tls
    .meta({ description: 'Serve HTTPS (HTTP/2 and HTTP/1.1) with this certificate. Default: plain HTTP.' })
    .optional(),
})

export const routes = z
  .union([route, z.array(route).min(1, 'must hold at least one route').max(100, 'must hold at most 100 routes')])
  .meta({ description: 'Which requests the router sends to the service: one route, or a list of them.' })

export type RouteDefinition = z.output<typeof route>

function parseListen(value: number | string): { readonly address: string; readonly port: number } | undefined {
  if (typeof value === 'number') return { address: '0.0.0.0', port: value }
  const separator = value.lastIndexOf(':')
  const address = value.slice(0, separator).replace(/^\[(.*)\]$/, '$1')
  const portNumber = Number(value.slice(separator + 1))
  if (!within(portNumber, 1, 65_535) || isIP(address) === 0) return undefined
  return { address: isIP(address) === 6 ? shortestIPv6(address) : address, port: portNumber }
}

/** RFC 5952, as URLs have it, so that one address has one spelling. */
function shortestIPv6(address: string): string {
  return new URL(`http://[${address}]`).hostname.slice(1, -1)
}
