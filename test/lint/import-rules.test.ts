import { copyFile, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { execFile } from 'node:child_process'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'

const repository = resolve(import.meta.dirname, '../..')

const forbidden: readonly (readonly [file: string, imports: string])[] = [
  ['src/errors.ts', './model/address.ts'],
  ['src/main.ts', './engine/docker/docker-engine.ts'],
  ['src/model/version.ts', '../system/clock.ts'],
  ['src/model/stack.ts', 'node:fs'],
  ['src/plan/diff.ts', '../controller/loop.ts'],
  ['src/plan/explain.ts', 'node:child_process'],
  ['src/rollout/rolling.ts', '../engine/engine.ts'],
  ['src/guard/refusals.ts', '../store/store.ts'],
  ['src/guard/touches.ts', 'node:fs'],
  ['src/system/files.ts', '../config/load.ts'],
  ['src/config/load.ts', '../controller/commands.ts'],
  ['src/image/resolve.ts', '../engine/docker/docker-engine.ts'],
  ['src/engine/engine.ts', '../controller/loop.ts'],
  ['src/engine/other.ts', './docker/docker-engine.ts'],
  ['src/engine/docker/docker-engine.ts', '../memory/memory-engine.ts'],
  ['src/engine/docker/events.ts', '../../router/router.ts'],
  ['src/router/haproxy/config.ts', '../../controller/loop.ts'],
  ['src/store/sqlite/sqlite-store.ts', '../../store/memory/memory-store.ts'],
  ['src/gate/gate.ts', './prometheus/prometheus-gate.ts'],
  ['src/gate/prometheus/prometheus-gate.ts', '../memory/memory-gate.ts'],
  ['src/notify/notify.ts', './http/http-messenger.ts'],
  ['src/notify/http/http-messenger.ts', '../hook/hook-messenger.ts'],
  ['src/controller/notices.ts', '../notify/http/http-messenger.ts'],
  ['src/sensor/sensor.ts', './linux/linux-sensor.ts'],
  ['src/sensor/linux/linux-sensor.ts', '../../engine/engine.ts'],
  ['src/ledger/note.ts', '../store/store.ts'],
  ['src/ledger/verify.ts', './disk/disk-ledger-files.ts'],
  ['src/ledger/disk/folders.ts', '../memory/memory-ledger-files.ts'],
  ['src/controller/loop.ts', '../engine/docker/docker-engine.ts'],
  ['src/controller/gates.ts', '../gate/prometheus/prometheus-gate.ts'],
  ['src/controller/publication.ts', '../ledger/disk/disk-ledger-files.ts'],
  ['src/controller/act.ts', '../api/server.ts'],
  ['src/backup/backup.ts', '../store/sqlite/sqlite-store.ts'],
  ['src/api/server.ts', '../router/haproxy/haproxy-router.ts'],
  ['src/cli/up.ts', '../controller/loop.ts'],
  ['src/cli/status.ts', '../engine/docker/docker-engine.ts'],
]

const permitted: readonly (readonly [file: string, imports: string])[] = [
  ['src/compose.ts', './engine/docker/docker-engine.ts'],
  ['src/model/release.ts', './version.ts'],
  ['src/model/canonical.ts', 'node:crypto'],
  ['src/plan/steps.ts', '../model/version.ts'],
  ['src/rollout/verdict.ts', '../plan/steps.ts'],
  ['src/guard/ages.ts', '../model/release.ts'],
  ['src/engine/memory/memory-engine.ts', '../engine.ts'],
  ['src/engine/memory/images.ts', '../../model/version.ts'],
  ['src/gate/memory/memory-gate.ts', '../../system/clock.ts'],
  ['src/notify/memory/memory-messenger.ts', '../notify.ts'],
  ['src/controller/delivery.ts', '../notify/notify.ts'],
  ['src/sensor/linux/loop.ts', '../sensor.ts'],
  ['src/ledger/entry.ts', '../model/canonical.ts'],
  ['src/ledger/publisher.ts', '../system/serial.ts'],
  ['src/ledger/disk/disk-ledger-files.ts', '../ledger-files.ts'],
  ['src/controller/observe.ts', '../engine/engine.ts'],
  ['src/controller/watch.ts', '../gate/gate.ts'],
  ['src/controller/ledger.ts', '../ledger/publisher.ts'],
  ['src/backup/copy.ts', '../ledger/ledger-files.ts'],
  ['src/cli/plan.ts', '../api/client.ts'],
  ['src/plan/diff.test.ts', '../engine/memory/memory-engine.ts'],
]

let folder: string

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'repave-lint-'))
  await copyFile(join(repository, '.oxlintrc.json'), join(folder, '.oxlintrc.json'))
})

afterEach(() => rm(folder, { recursive: true }))

test('the linter refuses every import that crosses a border, and no other', async () => {
  await Promise.all([...forbidden, ...permitted].map(([file, imports]) => write(file, imports)))
  const expected = forbidden.map(([file]) => file)
  expect((await filesWithRestrictedImports()).toSorted()).toEqual(expected.toSorted())
})

async function write(file: string, imports: string): Promise<void> {
  await mkdir(dirname(join(folder, file)), { recursive: true })
  await writeFile(join(folder, file), `import * as imported from '${imports}'\nexport const kept = imported\n`)
}

async function filesWithRestrictedImports(): Promise<readonly string[]> {
  const program = join(repository, 'node_modules/.bin/oxlint')
  const output = await new Promise<string>((done) => {
    execFile(program, ['--format', 'json'], { cwd: folder }, (_error, stdout) => done(stdout))
  })
  const { diagnostics } = JSON.parse(output) as { diagnostics: readonly { code: string; filename: string }[] }
  return diagnostics.filter(({ code }) => code.includes('no-restricted-imports')).map(({ filename }) => filename)
}
