/** Programs by their bytes, on files of this machine: an instance whose image changed under it takes root to make. */
import { closeSync, fstatSync, openSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { ProgramWatch } from '../../src/sensor/linux/program-watch.ts'
import { processState } from '../../src/system/process-files.ts'
import { Telling } from '../../src/sensor/linux/telling.ts'
import type { Watched } from '../../src/sensor/linux/watched.ts'
import type { SensedTouch } from '../../src/sensor/sensor.ts'

let folder: string
let touches: SensedTouch[]
let programs: ProgramWatch
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'repave-digests-'))
  touches = []
  programs = new ProgramWatch(new Telling((sensed) => touches.push(sensed)))
})
afterEach(() => rm(folder, { recursive: true }))

const large = Buffer.alloc(3 * 1024 * 1024, 'a')

test('the same bytes at the same path are right, however often they are met', async () => {
  await meet('web-1', 'sha256:one', large)
  await meet('web-2', 'sha256:one', large)
  expect(touches).toEqual([])
})

test('other bytes at the same path of the same image are told', async () => {
  await meet('web-1', 'sha256:one', large)
  await meet('web-2', 'sha256:one', Buffer.concat([large, Buffer.from('b')]))
  expect(touches).toMatchObject([{ instance: 'web-2', touch: { kind: 'altered', layer: 'digests' } }])
  expect(touches[0]?.touch.detail).toMatch(
    /program is not the program that its image has there: sha256 \w{64}, not \w{64}/,
  )
})

test('one byte in the middle that differs is told', async () => {
  const other = Buffer.from(large)
  other[1_500_000] = 0
  await meet('web-1', 'sha256:one', large)
  await meet('web-2', 'sha256:one', other)
  expect(touches.map(({ instance }) => instance)).toEqual(['web-2'])
})

test('another image may have other bytes there', async () => {
  await meet('web-1', 'sha256:one', large)
  await meet('web-2', 'sha256:two', Buffer.from('#!/bin/sh\n'))
  expect(touches).toEqual([])
})

test('a program that runs elsewhere than on the image is told', () => {
  const elsewhere = { ...watched('web-1', 'sha256:one'), rootDevice: -1 }
  programs.look(elsewhere, process.pid)
  expect(touches).toMatchObject([{ touch: { kind: 'execution', layer: 'digests', by: { pid: process.pid } } }])
})

async function meet(instance: string, image: string, bytes: Buffer): Promise<void> {
  const path = join(folder, 'program')
  await writeFile(path, bytes)
  const descriptor = openSync(path, 'r')
  const file = fstatSync(descriptor)
  programs.meet({ ...watched(instance, image), rootDevice: file.dev }, descriptor, file)
  closeSync(descriptor)
  while (programs.hasWork) programs.workOn()
}

/** This process stands for the instance's first. */
function watched(instance: string, image: string): Watched {
  return {
    subject: { instance, containerId: instance, pid: process.pid, uid: 0, tmpfs: [], data: [], image },
    startedAt: processState(process.pid)?.startedAt ?? 0,
    mounts: [],
    rootDevice: 0,
    upperFolder: undefined,
    tmpfs: [],
    namespaces: [],
    guests: new Set(),
    hasEnded: false,
  }
}
