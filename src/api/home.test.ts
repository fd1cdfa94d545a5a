import { chmodSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { prepareHome, refuseUnfit, socketPath, stateFolder } from './home.ts'

let folder: string

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'repave-home-'))
})

afterEach(() => rmSync(folder, { recursive: true, force: true }))

const source = { environment: { HOME: '/home/ann' }, uid: 1000, workingDirectory: '/work' }

test.each([
  ['/home/ann/.local/state/repave', source],
  ['/state/repave', { ...source, environment: { HOME: '/home/ann', XDG_STATE_HOME: '/state' } }],
  ['/home/ann/.local/state/repave', { ...source, environment: { HOME: '/home/ann', XDG_STATE_HOME: 'relative' } }],
  ['/var/lib/repave', { ...source, uid: 0 }],
  ['/work/here', { ...source, uid: 0, environment: { REPAVE_HOME: 'here' } }],
  ['/var/lib/repave', { ...source, uid: 0, environment: { REPAVE_HOME: '' } }],
])('the state folder is %s', (expected, given) => {
  expect(stateFolder(given)).toBe(expected)
})

test('a socket path of 107 bytes is taken, one of 108 is refused', () => {
  const longest = `/${'x'.repeat(107 - '/controller.sock'.length - 1)}`
  expect(Buffer.byteLength(socketPath(longest))).toBe(107)
  expect(() => socketPath(`${longest}x`)).toThrow(/too long: .* has 108 bytes/)
})

test('the folder is made for its owner only, with what is above it', () => {
  const home = join(folder, 'a/b')
  prepareHome(home)
  prepareHome(home)
  expect((statSync(home).mode & 0o777).toString(8)).toBe('700')
})

test('a folder that others may write to is refused', () => {
  chmodSync(folder, 0o777)
  expect(() => prepareHome(folder)).toThrow(/others may write/)
})

test("another user's folder is refused", () => {
  expect(() => prepareHome(folder, 12345)).toThrow(/belongs to another user/)
})

test('a folder that can not be made is NOT_PERMITTED', () => {
  expect(() => prepareHome('/proc/repave')).toThrow(expect.objectContaining({ code: 'NOT_PERMITTED' }))
})

test('a state folder that is a file is refused', () => {
  const home = join(folder, 'file')
  writeFileSync(home, '')
  expect(() => prepareHome(home)).toThrow(/is not a folder/)
})

test.each([
  ['EROFS', 'its file system is read-only', 'mount that writable'],
  ['EACCES', 'EACCES', 'chmod u.rwx'],
])('a state folder that refuses writes with %s is NOT_PERMITTED, with the remedy', (code, reason, remedy) => {
  chmodSync(folder, 0o700)
  const refuse = () => {
    throw Object.assign(new Error(code), { code })
  }
  expect(() => refuseUnfit(folder, statSync(folder).uid, refuse)).toThrow(
    expect.objectContaining({
      code: 'NOT_PERMITTED',
      message: `can't write to ${folder}: ${reason}`,
      hint: expect.stringMatching(`^.*${remedy}.*, or set REPAVE_HOME to a folder that you may write to$`),
    }),
  )
})
