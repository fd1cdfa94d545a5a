import { describe, expect, it } from 'vitest'
import {
  parseAnswers,
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
      { backend: 'web', server: 'a', address: { host: '10.0.0.1', port: 80 }, admin: 'ready', up: true },
      { backend: 'web', server: 'b', address: { host: 'fd00::1', port: 81 }, admin: 'drain', up: false },
      { backend: 'web', server: 'c', address: { host: '10.0.0.3', port: 82 }, admin: 'maint', up: true },
    ])
  })

  it.each(['', "Can't find backend.\n", `${header}3 web 1\n\n`, `${header}2 handover 1 next - 2 0 1 1 0\n`])(
    'leaves out what is no server: %j',
    (answer) => {
      expect(parseServers(answer)).toEqual([])
    },
  )
})

it('show servers conn counts what a server is busy with, wherever the column is', () => {
  const answer = '# bkname/svname bkid/svid addr used_cur\nweb/a 3/1 10.0.0.1 3\nweb:b/b 4/1 fd00::1 0\n\nrubbish\n'
  expect(parseSessions(answer)).toEqual([
    { backend: 'web', server: 'a', sessions: 3 },
    { backend: 'web:b', server: 'b', sessions: 0 },
  ])
})

it('show stat names frontends, and counts their clients', () => {
  const answer = '# pxname,svname,qcur,scur\nlisten:80:::1,FRONTEND,,2\nweb,BACKEND,0\nweb,a,0\n'
  expect(parseFrontends(answer)).toEqual([{ name: 'listen:80:::1', clients: 2 }])
})

describe('several answers', () => {
  it.each([
    ['\n', ['']],
    ['a\nb\n\n', ['a\nb']],
    ['a\n\n\nb\n\n\n', ['a', '', 'b', '']],
    ['a\n\nServer deleted.\n', ['a', 'Server deleted.']],
  ])('%j are %j', (text, answers) => {
    expect(parseAnswers(text)).toEqual(answers)
  })
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
  expect(parseSessionIds(answer, [{ backend: 'web', server: 'web-1' }])).toEqual(['0x1'])
})
