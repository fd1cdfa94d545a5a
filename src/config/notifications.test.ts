import { join } from 'node:path'
import { expect, test } from 'vitest'
import { temporaryFolder } from '../system/temporary-folder.ts'
import { explainDefaults } from './explain.ts'
import { loadStack } from './load.ts'

const file = (notifications: string, more = '') =>
  `stack: shop\nservices: { web: { image: nginx, port: 80 } }\nnotifications: ${notifications}\n${more}`
const one = (keys = '') => `[{ webhook: https://a.example/x, secretFile: ./key${keys} }]`

async function load(text: string, environment?: string) {
  await using folder = await temporaryFolder()
  await folder.write('repave.yaml', text)
  const { stack, definition } = await loadStack({ folder: folder.path, ...(environment && { environment }) })
  const explained = explainDefaults(definition, stack).find(({ path }) => path === 'notifications')
  return { folder: folder.path, notifications: stack.notifications, explained, stack }
}

test('the file of the secret is that beside the stack file', async () => {
  const { folder, notifications } = await load(file(one()))
  expect(notifications).toEqual([{ url: 'https://a.example/x', secretFile: join(folder, 'key') }])
})

test('events are in one order, and all of them are as none', async () => {
  const some = await load(file(one(', events: [rollout, taint]')))
  expect(some.notifications).toMatchObject([{ events: ['taint', 'rollout'] }])
  const all = 'events: [access, rollout, overdue, sensor, escalation, taint]'
  expect((await load(file(one(`, ${all}`)))).notifications?.[0]).not.toHaveProperty('events')
})

test('none are as if the key were not there', async () => {
  const { stack } = await load(file('[]'))
  expect(stack).not.toHaveProperty('notifications')
})

test('what an environment says takes the place of what the stack says', async () => {
  const text = file(
    one(),
    'environments: { a: {}, b: { notifications: [] }, c: { notifications: [{ webhook: http://c, secretFile: /c }] } }',
  )
  expect(await load(text, 'a')).toMatchObject({
    notifications: [{ url: 'https://a.example/x' }],
    explained: { value: 'https://a.example/x (everything)', source: 'file' },
  })
  expect(await load(text, 'b')).toMatchObject({
    notifications: undefined,
    explained: { value: 'none: nobody is told', source: 'environment' },
  })
  expect((await load(text, 'c')).notifications).toEqual([{ url: 'http://c', secretFile: '/c' }])
})

test.each([
  ['no secret', '[{ webhook: https://a }]', 'notifications[0].secretFile is missing'],
  ['the secret itself', '[{ webhook: https://a, secret: whsec_x, secretFile: ./key }]', 'did you mean "secretFile"'],
  [
    'another scheme',
    '[{ webhook: ftp://a, secretFile: ./key }]',
    'must be an address that begins with http:// or https://',
  ],
  ['credentials', '[{ webhook: "https://a:b@c", secretFile: ./key }]', 'must not hold a user name or a password'],
  ['an unknown event', one(', events: [taints]'), 'taint'],
  ['no event', one(', events: []'), 'must hold at least one'],
  ['the same twice', `[${one().slice(1, -1)}, ${one().slice(1, -1)}]`, 'must be an address that is not listed yet'],
])('%s: refused', async (_name, notifications, words) => {
  const error = await load(file(notifications)).catch((thrown: unknown) => thrown)
  expect(error).toMatchObject({ code: 'FILE_INVALID' })
  const { message, hint } = error as { message: string; hint: string }
  expect(`${message} ${hint}`).toContain(words)
})
