import { describe, expect, it } from 'vitest'
import {
  parseFrontends,
  parseInfo,
  parseProcesses,
  parseServers,
  parseSessionIds,
  parseSessions,
} from './worker-report.ts'

describe('show servers state', () => {
  const header =
    '1\n# be_id be_name srv_id srv_name srv_addr srv_op_state srv_admin_state srv_uweight srv_iweight srv_port\n'

  it('gives address, health and administrative state', () => {
    const rows = ['3 web 1 a 10.0.0.1 2 0 1 1 80', '3 web 2 b fd00::1 0 8 1 1 81', '3 web 3 c 10.0.0.3 2 1 1 1 82']
    expect(parseServers(header + rows.join('\n'))).toEqual([
      { pool: 'web', instance: 'a', address: { host: '10.0.0.1', port: 80 }, admin: 'ready', up: true },
      { pool: 'web', instance: 'b', address: { host: 'fd00::1', port: 81 }, admin: 'drain', up: false },
      { pool: 'web', instance: 'c', address: { host: '10.0.0.3', port: 82 }, admin: 'maint', up: true },
    ])
  })

  it.each(['', "Can't find backend.\n", `${header}3 web 1\n\n`, `${header}2 handover 1 next - 2 0 1 1 0\n`])(
    'leaves out what is no server: %j',
    (answer) => {
      expect(parseServers(answer)).toEqual([])
    },
  )
})

describe('show stat', () => {
  it('counts what is at and queued for a server, wherever the columns are', () => {
    const answer = '# pxname,svname,qcur,qmax,scur\nweb,a,2,9,3\nweb,b,,9,\n\nrubbish\n'
    expect([...parseSessions(answer)]).toEqual([
      ['web/a', 5],
      ['web/b', 0],
    ])
  })
})

it('show stat names frontends', () => {
  const answer = '# pxname,svname,qcur\nlisten:80:::1,FRONTEND,\nweb,BACKEND,0\nweb,a,0\n'
  expect(parseFrontends(answer)).toEqual(['listen:80:::1'])
})

describe('show proc', () => {
  it('tells the current worker from those that were replaced', () => {
    const answer = `#<PID>          <type>          <reloads>       <uptime>        <version>
7509            master          1 [failed: 0]   0d00h00m30s     2.6.12
# workers
8254            worker          0               0d00h00m01s     2.6.12
# old workers
7512            worker          1               0d00h00m30s     2.6.12
# programs
9999            program         0               0d00h00m30s     -

`
    expect(parseProcesses(answer)).toEqual({ master: 7509, current: 8254, old: [7512] })
  })

  it('is nothing without a master', () => {
    expect(parseProcesses('')).toBeUndefined()
  })
})

it('show info is a list of names and values', () => {
  expect([...parseInfo('Name: HAProxy\ndescription: a: b\n\n')]).toEqual([
    ['name', 'HAProxy'],
    ['description', 'a: b'],
  ])
})

it('show sess names the sessions at a server', () => {
  const answer = [
    '0x1: proto=tcpv4 src=127.0.0.1:1 fe=listen be=web srv=web-1 ts=00',
    '0x2: proto=tcpv4 src=127.0.0.1:2 fe=listen be=web srv=web-10 ts=00',
    '0x3: proto=sockpair src=unix:1 fe=GLOBAL be=<NONE> srv=<none> ts=00',
    '',
  ].join('\n')
  expect(parseSessionIds(answer, 'web', 'web-1')).toEqual(['0x1'])
})
