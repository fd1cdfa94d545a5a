import { once } from 'node:events'
import { mkdir } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { expect, onTestFinished, test } from 'vitest'
import { temporaryFolder } from '../../system/temporary-folder.ts'
import { MasterSocket, masterSocketName } from './master-socket.ts'

test('a master that ends at any moment of being reached is one that is not there, and harms nobody', async () => {
  const folder = await temporaryFolder()
  onTestFinished(() => folder[Symbol.asyncDispose]())
  // Too long for a socket's address, so that a connection is handed over only after a step between.
  const home = join(folder.path, 'd'.repeat(100))
  await mkdir(home)
  const here = process.cwd()
  process.chdir(home)
  onTestFinished(() => process.chdir(here))
  for (let turns = 0; turns < 400; turns += 1) {
    const server = createServer((socket) => socket.destroy()).listen(masterSocketName)
    await once(server, 'listening')
    const answer = new MasterSocket(home).processes()
    for (let turn = 0; turn < turns % 20; turn += 1) await nextTurn()
    server.close()
    expect(await answer).toBeUndefined()
  }
})
