import { existsSync } from 'node:fs'
import { chmod, chown, readFile, symlink } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { type TemporaryFolder, temporaryFolder } from '../../system/temporary-folder.ts'
import type { Message } from '../notify.ts'
import { messengerContract } from '../messenger-contract.ts'
import { HookMessenger } from './hook-messenger.ts'

const never = new AbortController().signal
const message: Message = {
  id: 'msg_1',
  notification: {
    type: 'instance.tainted',
    timestamp: '2026-11-24T00:00:00.000Z',
    data: { form: 1, kind: 'taint', sequence: 7, message: 'x'.repeat(100_000), by: 'repave' },
  },
}
const failure = (words: string) =>
  expect.objectContaining({ code: 'NOTIFICATION_FAILED', message: expect.stringContaining(words) })

let folder: TemporaryFolder
let hooks: string

beforeEach(async () => {
  folder = await temporaryFolder()
  hooks = join(folder.path, 'hooks')
})
afterEach(() => folder[Symbol.asyncDispose]())

async function hook(script: string): Promise<string> {
  const file = await folder.write('hooks/notify', `#!/bin/sh\n${script}\n`)
  await chmod(hooks, 0o700)
  await chmod(file, 0o700)
  return file
}

const send = (options: { timeoutMs?: number } = {}, signal = never) =>
  new HookMessenger({ folder: hooks, ...options }).send({ kind: 'hook' }, message, signal)

test('a hook gets the kind as its argument, the notification as its input, and a clean environment', async () => {
  process.env['HOOK_TEST_TOKEN'] = 'secret'
  await hook('cat > told; echo "$1" "$#" > argument; env > environment; pwd >> argument')
  expect(await send()).toBe('told')
  delete process.env['HOOK_TEST_TOKEN']
  expect(JSON.parse(await readFile(join(hooks, 'told'), 'utf8'))).toEqual(message.notification)
  expect(await readFile(join(hooks, 'argument'), 'utf8')).toBe(`taint 1\n${hooks}\n`)
  const environment = await readFile(join(hooks, 'environment'), 'utf8')
  expect(environment).toContain('REPAVE_MESSAGE_ID=msg_1')
  expect(environment).not.toContain('secret')
})

test('where there is no hook, nobody is told', async () => {
  expect(await send()).toBe('absent')
})

test('a hook need not read what it is told', async () => {
  await hook('exit 0')
  expect(await send()).toBe('told')
})

test('a hook that fails is told again, with what it said last', async () => {
  await hook(`printf 'no \\033[2Jmail\\n' >&2; head -c 1000000 /dev/zero; exit 3`)
  const error = await send().catch((thrown: unknown) => thrown)
  expect(error).toEqual(failure('ended with 3: no  [2Jmail'))
  expect((error as Error).message.length).toBeLessThan(2_000)
})

test('a hook that goes on for too long is ended with all that it began', async () => {
  await hook('(sleep 1; touch survivor) & sleep 60')
  await expect(send({ timeoutMs: 200 })).rejects.toThrow(failure('had not ended after 0.2 s'))
  await delay(1_500)
  expect(existsSync(join(hooks, 'survivor'))).toBe(false)
})

test('a hook that leaves something behind has told', async () => {
  await hook('sleep 60 & exit 0')
  expect(await send()).toBe('told')
})

test('who gives up while it runs gets the own reason', async () => {
  await hook('sleep 60')
  const giveUp = AbortSignal.timeout(100)
  await expect(send({}, giveUp)).rejects.toThrow(giveUp.reason?.message ?? /timeout/)
})

test('a program that is none is said to be so', async () => {
  const file = await hook('')
  await folder.write('hooks/notify', '#!/does/not/exist\n')
  await chmod(file, 0o700)
  await expect(send()).rejects.toThrow(failure("can't be started (ENOENT)"))
})

test.each([
  ['a hook that its group may write', (file: string) => chmod(file, 0o770), 'can be written by others'],
  ['a hook that everybody may write', (file: string) => chmod(file, 0o702), 'can be written by others'],
  ['a folder that others may write', () => chmod(hooks, 0o777), 'can be written by others'],
  ['a hook that can not be run', (file: string) => chmod(file, 0o600), 'is not executable'],
])('%s is not run', async (_name, spoil, words) => {
  const file = await hook('touch ran')
  await spoil(file)
  await expect(send()).rejects.toThrow(failure(words))
  expect(existsSync(join(hooks, 'ran'))).toBe(false)
})

test("another user's hook is not run, and a link to a program neither", async () => {
  const file = await hook('touch ran')
  if (process.getuid?.() === 0) {
    await chown(file, 65_534, 65_534)
    await expect(send()).rejects.toThrow(failure('belongs to another user (uid 65534)'))
  }
  hooks = join(folder.path, 'others')
  await folder.write('others/.keep', '')
  await symlink(file, join(hooks, 'notify'))
  await expect(send()).rejects.toThrow(failure('is not a regular file'))
  expect(existsSync(join(hooks, 'ran'))).toBe(false)
})

messengerContract('a hook', async () => {
  await hook('cat >> told')
  const told = () => readFile(join(hooks, 'told'), 'utf8').catch(() => '')
  return {
    messenger: new HookMessenger({ folder: hooks }),
    receiver: { kind: 'hook' },
    told: async () =>
      (await told())
        .split('\n')
        .filter(Boolean)
        .map((line): unknown => JSON.parse(line)),
    turn: async (manner) => void (await hook(manner === 'silent' ? 'sleep 60' : 'exit 1')),
    [Symbol.asyncDispose]: async () => {},
  }
})
