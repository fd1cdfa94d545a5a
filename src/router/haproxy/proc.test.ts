import { expect, it } from 'vitest'
import { listeningInodes, runsConfig } from './proc.ts'

const config = '/var/lib/repave/haproxy/haproxy.cfg'

it('takes for its own only serving HAProxies with its configuration', () => {
  const own = ['haproxy', '-sf', '12', '-x', 'sockpair@4', '-W', '-f', config, '-S', 'unix@master.sock']
  expect(runsConfig(own, config)).toBe(true)
  expect(runsConfig(['/usr/sbin/haproxy', '-W', '-f', config], config)).toBe(true)
  expect(runsConfig(['haproxy', '-c', '-f', config], config)).toBe(false)
  expect(runsConfig(['haproxy', '-W', '-f', '/etc/haproxy/haproxy.cfg'], config)).toBe(false)
  expect(runsConfig(['vim', '-W', '-f', config], config)).toBe(false)
  expect(runsConfig([], config)).toBe(false)
})

it('finds the sockets that listen on a port in /proc/net/tcp', () => {
  const table = `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 111 1 0 100 0 0 10 0
   1: 0100007F:1F90 0100007F:C000 01 00000000:00000000 00:00000000 00000000     0        0 222 1 0 20 4 30 10 -1
   2: 0100007F:1F91 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 333 1 0 100 0 0 10 0
`
  expect(listeningInodes(table, 8080)).toEqual(['111'])
})
