/** Break-glass on a real engine: drained, entered, recorded, destroyed; also where its controller is killed in between. */
import { type ChildProcess, spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { copyFile, mkdir, readFile, stat, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { text } from 'node:stream/consumers'
import { expect, onTestFinished, test } from 'vitest'
import { castEvents } from '../../src/recording/asciicast.ts'
import { eventually } from './eventually.ts'
import { openScene } from './open-scene.ts'
import type { Scene } from './scene.ts'

const program = resolve(import.meta.dirname, '../../bin/repave')

/** The image of the scene with a shell in it, which the usual one has not. */
async function withShell(scene: Scene): Promise<string> {
  const [reference, folder] = [`${scene.ownImages}:shell`, join(scene.folder, 'shell')]
  await mkdir(folder)
  await copyFile('/usr/bin/busybox', join(folder, 'busybox'))
  await writeFile(join(folder, 'Dockerfile'), `FROM ${scene.image}\nCOPY busybox /bin/sh\nCOPY busybox /bin/stty\n`)
  const { stdout } = spawn('tar', ['-C', folder, '-c', '.'], { stdio: ['ignore', 'pipe', 'inherit'] })
  await scene.engine.build(reference, stdout)
  return reference
}

function openAccess(scene: Scene, instance: string, ...options: readonly string[]) {
  const parameters = ['access', 'open', instance, '--reason', 'it leaks', '-f', scene.stackFile, ...options]
  const child = spawn(program, parameters, { cwd: scene.folder, env: { ...process.env, REPAVE_HOME: scene.home } })
  onTestFinished(() => void child.kill('SIGKILL'))
  return child
}

async function codeOf(child: ChildProcess): Promise<number | null> {
  const [code] = (await once(child, 'exit')) as [number | null]
  return code
}

/** Of a `/proc/PID/status`. */
const rightsIn = (status: string) => status.match(/^(?:Uid|Gid|Groups|Cap\w+|NoNewPrivs|Seccomp):.*$/gm)

const ids = async (scene: Scene) => (await scene.status()).services[0]?.instances.map(({ name }) => name) ?? []

test(
  'an instance is entered under load: no request fails, all is recorded, and it is gone',
  { timeout: 120_000 },
  async () => {
    const scene = await openScene()
    await scene.declare({ image: await withShell(scene) })
    await scene.succeed('up')
    const load = await scene.load({ ratePerSecond: 200 })
    const [instance = ''] = await ids(scene)
    const child = openAccess(scene, instance)
    const [output, errors] = [text(child.stdout), text(child.stderr)]
    const ended = codeOf(child)
    child.stdin.end('echo $((6*7)); stty size; exit 5\n')
    expect(await ended).toBe(5)
    expect(await output).toContain('42')
    expect(await errors).toContain('the program ended with code 5')
    await eventually('it is gone', async () => !(await ids(scene)).includes(instance))
    await eventually('all is whole', async () => (await scene.status()).services[0]?.serving === 3)
    expect((await load.stop()).failures).toEqual([])

    const entries = (await scene.entries()).filter((entry) => entry.instance === instance)
    const kinds = entries.map(({ kind }) => kind)
    expect(kinds.indexOf('access.opened')).toBeLessThan(kinds.indexOf('unroute.intent'))
    expect(kinds.indexOf('unroute.done')).toBeLessThan(kinds.indexOf('access.closed'))
    expect(kinds.filter((kind) => kind === 'capture.done')).toHaveLength(1)
    const { lines } = await scene.repave('access', 'list')
    const [
      {
        accesses: [access],
      },
    ] = lines as [{ accesses: [{ id: number; digest: string }] }]
    const path = join(scene.home, 'access', `${access.id}.cast`)
    const recording = await readFile(path)
    expect((await stat(path)).mode & 0o777).toBe(0o600)
    expect(access.digest).toBe(`sha256:${createHash('sha256').update(recording).digest('hex')}`)
    const events = castEvents(recording.toString())
    const told = (code: string) => events.flatMap((event) => (event.code === code ? [event.text] : [])).join('')
    expect(told('i')).toContain('echo $((6*7))')
    expect(told('o')).toContain('42')
    expect(told('o')).toContain('24 80')
    expect((await scene.repave('access', 'replay', access.digest)).lines).toEqual(
      [{ ...access, path }].map(({ id, digest }) => ({ id, path, digest })),
    )
  },
)

test('who enters has the rights of the instance, and no more', { timeout: 120_000 }, async () => {
  const scene = await openScene()
  await scene.declare({ replicas: 2 })
  await scene.succeed('up')
  const [instance = ''] = await ids(scene)
  const [container] = (await scene.instances()).filter(({ Names }) => Names.includes(`/${instance}`))
  const { State } = await scene.engine.inspect(container!.Id)
  const own = rightsIn(await readFile(`/proc/${State.Pid}/status`, 'utf8'))
  expect(own).toHaveLength(10)
  const print = "/usr/bin/node -p fs.readFileSync('/proc/self/status','latin1')"
  const child = openAccess(scene, instance, '--command', print)
  const output = text(child.stdout)
  expect(await codeOf(child)).toBe(0)
  expect(rightsIn((await output).replaceAll('\r', ''))).toEqual(own)
})

test('its time is bounded', { timeout: 120_000 }, async () => {
  const scene = await openScene()
  await scene.declare({ image: await withShell(scene) })
  await scene.succeed('up')
  const [instance = ''] = await ids(scene)
  const child = openAccess(scene, instance, '--for', '2s')
  const errors = text(child.stderr)
  await codeOf(child)
  expect(await errors).toContain('its time of 2 s is over')
  await eventually('it is gone', async () => !(await ids(scene)).includes(instance))
})

test(
  'where the controller is killed in a session, the next one destroys the instance, and never routes to it',
  { timeout: 120_000 },
  async () => {
    const scene = await openScene()
    await scene.declare({ image: await withShell(scene) })
    await scene.succeed('up')
    const load = await scene.load({ ratePerSecond: 200 })
    const [instance = ''] = await ids(scene)
    const child = openAccess(scene, instance)
    const ended = codeOf(child)
    let printed = ''
    child.stdout.on('data', (data) => (printed += String(data)))
    child.stderr.resume()
    child.stdin.write('echo $((6*7))\n')
    await eventually('it is open', () => printed.includes('42'))
    await scene.killController()
    expect(await ended).toBe(1)
    await eventually('it is gone', async () => !(await ids(scene)).includes(instance))
    await eventually('all is whole', async () => (await scene.status()).services[0]?.serving === 3)
    expect((await load.stop()).failures).toEqual([])
    const entries = (await scene.entries()).filter((entry) => entry.instance === instance)
    const since = entries.slice(entries.findIndex(({ kind }) => kind === 'access.opened'))
    expect(since.map(({ kind }) => kind)).not.toContain('route.intent')
    expect(since.find(({ kind }) => kind === 'access.closed')?.message).toMatch(/^unknown: .*sha256:[0-9a-f]{64}$/)
  },
)
