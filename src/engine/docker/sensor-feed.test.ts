import { expect, test } from 'vitest'
import type { Touch } from '../../model/touch.ts'
import { containerRecord, type ContainerRecord } from './container-record.ts'
import { DockerClient } from './docker-client.ts'
import { GivenUp } from './given-up.ts'
import type { Sensor, SensorSubject } from '../../sensor/sensor.ts'
import { SensorFeed } from './sensor-feed.ts'

type Listener = Parameters<Sensor['watch']>[0]

class ScriptedSensor implements Sensor {
  readonly followed: (readonly SensorSubject[])[] = []
  listener: Listener | undefined
  senses = async () => []
  follow = async (instances: readonly SensorSubject[]) => void this.followed.push(instances)
  stop = async () => {}
  watch = async (listener: Listener) => void (this.listener = listener)
}

const touch: Touch = { kind: 'write', layer: 'files', atMs: 1, detail: '/tmp/x was written' }

const isHere = async () => true
const elsewhere = async () => false

function feed() {
  const sensor = new ScriptedSensor()
  const givenUp = new GivenUp()
  return { sensor, givenUp, feed: new SensorFeed(sensor, new DockerClient('/no/such/socket'), givenUp, isHere) }
}

function names(sensor: ScriptedSensor): readonly (readonly string[])[] {
  return sensor.followed.map((all) => all.map(({ instance }) => instance))
}

test('the sensor is told what runs when that changes, and all that it has to know', async () => {
  const { sensor, feed: it } = feed()
  await it.follow([container('a')], 1)
  await it.follow([container('a')], 2)
  expect(sensor.followed).toEqual([
    [
      {
        instance: 'a',
        containerId: 'id-a',
        pid: 7,
        uid: 1000,
        tmpfs: ['/run', '/tmp'],
        data: ['/data'],
        image: 'sha256:0',
      },
    ],
  ])
  await it.follow([], 3)
  expect(names(sensor)).toEqual([['a'], []])
})

test('one that was started since a look began stays followed', async () => {
  const { sensor, feed: it } = feed()
  await it.followToo(container('b'), 1)
  await it.follow([container('a')], 1)
  await it.follow([container('a')], 2)
  expect(names(sensor)).toEqual([['b'], ['a', 'b'], ['a']])
})

test('what runs on another machine is not followed', async () => {
  const sensor = new ScriptedSensor()
  const it = new SensorFeed(sensor, new DockerClient('/no/such/socket'), new GivenUp(), elsewhere)
  await it.follow([container('a')], 1)
  await it.followToo(container('b'), 1)
  expect(sensor.followed.flat()).toEqual([])
})

test('what is given up is neither followed nor told of', async () => {
  const { sensor, givenUp, feed: it } = feed()
  await it.follow([container('a'), container('b')], 1)
  const told: string[] = []
  await it.watch(({ instance }) => told.push(instance), new AbortController().signal)
  givenUp.add('id-a')
  for (const instance of ['a', 'b', 'unknown']) sensor.listener?.({ instance, touch })
  expect(told).toEqual(['b'])
  await it.follow([container('a'), container('b')], 2)
  expect(names(sensor).at(-1)).toEqual(['b'])
})

function container(name: string): ContainerRecord {
  return containerRecord.parse({
    Id: `id-${name}`,
    Name: `/${name}`,
    Created: '2026-01-01T00:00:00Z',
    Path: '/web',
    Image: 'sha256:0',
    State: { Status: 'running', Running: true, Pid: 7, ExitCode: 0, StartedAt: '', FinishedAt: '' },
    Config: { User: '1000:1000', Labels: { 'repave.instance': name } },
    HostConfig: { NetworkMode: 'none', Tmpfs: { '/tmp': '', '/run': '' }, ReadonlyRootfs: true },
    Mounts: [{ Type: 'volume', Destination: '/data' }],
  })
}
