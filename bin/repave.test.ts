import { spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'

const launcher = resolve(import.meta.dirname, 'repave')
let folder: string

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'repave-launcher-'))
})

afterEach(() => rmSync(folder, { recursive: true, force: true }))

function run(command: string, parameters: readonly string[] = [], environment: NodeJS.ProcessEnv = {}) {
  const env = { ...process.env, REPAVE_HOME: join(folder, 'home'), ...environment }
  const { status, stdout, stderr } = spawnSync(command, parameters, {
    cwd: folder,
    env,
    encoding: 'utf8',
    timeout: 20_000,
  })
  return { status, stdout, stderr }
}

/** An installed package: the launcher with a program that says which Node runs it. */
function install(at: string) {
  mkdirSync(join(at, 'bin'), { recursive: true })
  mkdirSync(join(at, 'dist/cli'), { recursive: true })
  cpSync(launcher, join(at, 'bin/repave'))
  writeFileSync(join(at, 'dist/cli/main.js'), 'console.log(process.execPath, process.argv.slice(2).join(" "))')
}

function provideNode(at: string) {
  const architecture = process.arch === 'arm64' ? 'arm64' : 'x64'
  const bin = join(at, `node_modules/node-linux-${architecture}/bin`)
  mkdirSync(bin, { recursive: true })
  symlinkSync(process.execPath, join(bin, 'node'))
}

test('repave alone shows the commands that a newcomer needs', () => {
  expect(run(launcher)).toEqual({
    status: 0,
    stderr: '',
    stdout: `Repave: infrastructure that is replaced, never changed.

  repave init      write a small stack file
  repave plan      what \`up\` would do, and why
  repave up        do it, and wait for the verdict
  repave status    what runs
  repave rollback  back to the version before
  repave doctor    what this machine lacks

All commands: \`repave --help\`. One of them: \`repave up --help\`.
`,
  })
})

test.each([
  [['stauts'], "error: unknown command 'stauts'\n  Did you mean status?\n"],
  [['up', '--jsno'], "error: unknown option '--jsno'\n  Did you mean --json?\n"],
  [['logs'], "error: missing required argument 'service'\n"],
  [
    ['logs', 'web', '-n', 'x'],
    "error: option '-n, --tail <lines>' argument 'x' is invalid. It must be a whole number.\n",
  ],
  [['status', 'web'], 'error: too many arguments'],
])('%j is bad usage', (parameters, beginning) => {
  const { status, stdout, stderr } = run(launcher, parameters)
  expect({ status, stdout }).toEqual({ status: 2, stdout: '' })
  expect(stderr.slice(0, beginning.length)).toBe(beginning)
})

test('with --json an error is an object on standard output', () => {
  const { status, stdout, stderr } = run(launcher, ['plan', '--json'])
  expect({ status, stderr }).toEqual({ status: 2, stderr: '' })
  expect(JSON.parse(stdout)).toMatchObject({ ok: false, code: 'FILE_NOT_FOUND' })
})

test('output that can not be written is said in one line', () => {
  expect(run('/bin/sh', ['-c', `${launcher} --help > /dev/full`])).toEqual({
    status: 1,
    stdout: '',
    stderr: "error: can't write the output: ENOSPC\n",
  })
})

test('a stack file in TypeScript that leaves a timer behind does not keep the command', () => {
  writeFileSync(join(folder, 'repave.ts'), 'setInterval(() => {}, 1000)\nexport default { stack: "shop" }\n')
  expect(run(launcher, ['plan', '--json'])).toMatchObject({
    status: 2,
    stdout: expect.stringContaining('services is missing'),
  })
})

test('an empty version is bad usage', () => {
  expect(run(launcher, ['rollback', '--to', ''])).toMatchObject({
    status: 2,
    stderr: expect.stringContaining('It must not be empty.'),
  })
})

test('a chain of links leads to the package', () => {
  symlinkSync(launcher, join(folder, 'one'))
  symlinkSync('one', join(folder, 'two'))
  expect(run(join(folder, 'two'), ['--version']).stdout).toMatch(/^\d+\.\d+\.\d+\n$/)
})

test('init writes a stack file once', () => {
  expect(run(launcher, ['init']).status).toBe(0)
  const again = run(launcher, ['init'])
  expect(again.status).toBe(2)
  expect(again.stderr).toContain('is there already')
})

test('an installed package finds the Node that was hoisted beside it', () => {
  const at = join(folder, 'node_modules/repave')
  install(at)
  provideNode(folder)
  const { stdout } = run(join(at, 'bin/repave'), ['a', 'b c'], { PATH: '/usr/bin:/bin' })
  expect(stdout).toBe(`${process.execPath} a b c\n`)
})

test('a Node on the PATH is taken when it is new enough', () => {
  install(join(folder, 'package'))
  mkdirSync(join(folder, 'new'))
  symlinkSync(process.execPath, join(folder, 'new/node'))
  const { stdout } = run(join(folder, 'package/bin/repave'), ['up'], { PATH: `${folder}/new:/usr/bin:/bin` })
  expect(stdout).toBe(`${process.execPath} up\n`)
})

test('a Node that is too old is refused with what to do', () => {
  install(join(folder, 'package'))
  mkdirSync(join(folder, 'old'))
  writeFileSync(join(folder, 'old/node'), '#!/bin/sh\necho v20.1.0\n', { mode: 0o755 })
  const { status, stderr } = run(join(folder, 'package/bin/repave'), [], { PATH: `${folder}/old:/usr/bin:/bin` })
  expect(status).toBe(1)
  expect(stderr).toContain('Repave needs Node.js 24')
  expect(stderr).toContain('npm install')
})

test('why a controller can not start is what the command says', () => {
  mkdirSync(join(folder, 'home'), { mode: 0o700 })
  writeFileSync(join(folder, 'home/state.sqlite'), 'this is no database, and never was one')
  const { status, stdout, stderr } = run(launcher, ['status', '--json'])
  expect({ status, stderr }).toEqual({ status: 1, stderr: '' })
  expect(JSON.parse(stdout)).toMatchObject({ ok: false, code: 'STORE_FAILED' })
})
