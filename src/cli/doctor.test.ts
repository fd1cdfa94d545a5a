import { chmodSync } from 'node:fs'
import { afterEach, expect, test } from 'vitest'
import { temporaryFolder } from '../system/temporary-folder.ts'
import { doctor } from './doctor.ts'
import type { Finding } from './render/doctor.ts'
import { plainStyle } from './render/text.ts'
import type { Terminal } from './terminal.ts'

const environment = { ...process.env }
afterEach(() => void (process.env = { ...environment }))

/** What doctor finds of one thing. */
async function check(name: string, variables: Readonly<Record<string, string>>): Promise<Finding | undefined> {
  process.env = { ...environment, ...variables }
  const printed: unknown[] = []
  const silent = {
    style: plainStyle,
    errorStyle: plainStyle,
    isLive: false,
    columns: 80,
    print: () => {},
    printError: () => {},
  }
  const terminal: Terminal = { ...silent, printJson: (value) => printed.push(value) }
  await doctor({ file: undefined, environment: undefined, json: true, folder: '/', terminal })
  const [{ checks }] = printed as [{ checks: readonly Finding[] }]
  return checks.find((finding) => finding.name === name)
}

test('an engine that can not be used comes with the remedy that commands name', async () => {
  await using home = await temporaryFolder()
  expect(await check('engine', { REPAVE_HOME: home.path, DOCKER_HOST: 'tcp://127.0.0.1:1' })).toMatchObject({
    state: 'lacks',
    remedy: 'unset DOCKER_HOST, or set it to unix:///var/run/docker.sock',
  })
})

test('a state folder that does not do comes with its own reason and remedy', async () => {
  await using home = await temporaryFolder()
  chmodSync(home.path, 0o777)
  expect(await check('state folder', { REPAVE_HOME: home.path })).toMatchObject({
    state: 'lacks',
    detail: `others may write to the state folder ${home.path}`,
    remedy: `run \`chmod 700 ${home.path}\``,
  })
  expect(await check('state folder', { REPAVE_HOME: `${home.path}/${'x'.repeat(100)}` })).toMatchObject({
    state: 'lacks',
    detail: expect.stringContaining('socket is too long'),
    remedy: expect.stringContaining('shorter path'),
  })
})
