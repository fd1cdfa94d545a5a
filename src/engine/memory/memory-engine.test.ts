import { Readable } from 'node:stream'
import { RepaveError } from '../../errors.ts'
import { systemClock } from '../../system/clock.ts'
import type { VersionSpec } from '../../model/version.ts'
import { engineContract, type ContractPrograms, type DescribedKind, type EngineFixture } from '../engine-contract.ts'
import type { ImageRequest } from '../engine.ts'
import { absentDigest } from '../scene-contract.ts'
import { MemoryEngine } from './memory-engine.ts'
import { type ImageContent, MemoryImages, type Builder } from './memory-images.ts'
import { MemoryMachine } from './memory-machine.ts'
import { goodBehaviour, type Behaviour } from './memory-process.ts'

engineContract('memory', setUp)

async function setUp(): Promise<EngineFixture> {
  const machine = new MemoryMachine(systemClock, new MemoryImages(build))
  const engine = new MemoryEngine(machine, { owner: 'ours' })
  const imageReference = 'registry.test/contract:1'
  machine.images.add(imageReference, { behaviour })
  return {
    engine,
    neighbour: new MemoryEngine(machine, { owner: 'theirs' }),
    image: await engine.prepare({ kind: 'reference', reference: imageReference }),
    imageReference,
    programs,
    goodBuild: () => buildRequest('good'),
    badBuild: () => buildRequest('bad'),
    described: async (kind) => machine.images.add(`registry.test/${kind}:1`, describedImages[kind]),
    builtLabels,
    cleanUpBuilt: async () => {
      machine.images.untag('built:1')
      machine.images.prune(machine.usedImages)
    },
    kill: async (name) => machine.die(name),
    pause: async (name) => machine.pause(name),
    touch: async (name, kind) => machine.touch(name, kind),
    touchKinds: ['exec', 'copy', 'signal'],
    isAnswered: async (address) => machine.answer(address) === 'healthy',
    alter: async (name) => machine.alter(name, { resources: { cpuMillis: 1, memoryBytes: 1, pids: 1 } }),
    intrude: async (scope) => {
      const stranger = {
        kind: 'container',
        name: 'stranger',
        where: 'network',
        detail: 'it is in the network',
      } as const
      machine.surroundings.disturb(scope, { foreign: [stranger] })
      return stranger.name
    },
    evict: async () => undefined,
    disconnect: async (name) => {
      const scope = machine.instance(name)?.order
      if (scope)
        machine.surroundings.disturb(scope, { misplaced: [{ instance: name, expected: 'it', actual: 'none' }] })
    },
    occupy: async (name) => machine.occupy(name),
    isOccupied: async (name) => machine.isOccupied(name),
    occupyData: async (name) => machine.volumes.occupy(name),
    isDataOccupied: async (name) => machine.volumes.isOccupied(name),
    recordedExit: async (name) => machine.exitCode(name),
    cutEvents: async () => machine.loseEvents(),
    cleanup: async () => undefined,
  }
}

const listed = [
  { type: 'deb', name: 'libssl3', version: '3.0.11-1' },
  { type: 'deb', name: 'base-files', version: '12.4' },
]

const describedImages: Readonly<Record<DescribedKind, ImageContent>> = {
  listed: { packages: listed, layers: ['a'] },
  sbom: { packages: [{ type: 'npm', name: '@acme/web', version: '1.2.0' }] },
  derived: { packages: listed, layers: ['a', 'b'] },
  broken: { packages: 'broken' },
  endless: { packages: 'broken' },
  based: {
    labels: {
      'org.opencontainers.image.base.name': 'debian:12',
      'org.opencontainers.image.base.digest': absentDigest,
    },
  },
}

const programs: ContractPrograms = {
  polite: ['polite'],
  stubborn: ['stubborn'],
  missing: ['missing'],
  exit: (code) => ['exit', `${code}`],
  count: (count) => ['count', `${count}`],
  serve: ['serve'],
  bothStreams: ['both-streams'],
}

function behaviour({ command: [program = '', argument] }: VersionSpec): Behaviour {
  const number = Number(argument)
  switch (program) {
    case 'stubborn':
      return { ...goodBehaviour, stopMs: null }
    case 'missing':
      return { ...goodBehaviour, cannotRun: 'no such program' }
    case 'exit':
      return { ...goodBehaviour, exit: { afterMs: 0, code: number } }
    case 'count':
      return { ...goodBehaviour, says: Array.from({ length: number }, (_, line) => said('stdout', `${line + 1}`)) }
    case 'both-streams':
      return { ...goodBehaviour, says: [said('stdout', 'out'), said('stderr', 'err')], exit: { afterMs: 0, code: 0 } }
    default:
      return goodBehaviour
  }
}

function said(stream: 'stdout' | 'stderr', text: string): Behaviour['says'][number] {
  return { stream, text }
}

function buildRequest(content: string): ImageRequest {
  return { kind: 'build', context: Readable.from([content]), dockerfile: 'Dockerfile', arguments: {}, tag: 'built:1' }
}

const builtLabels = { 'org.example.contract': 'memory' }

const build: Builder = (archive) => {
  if (archive.toString() !== 'bad') return { labels: builtLabels }
  throw new RepaveError('BUILD_FAILED', 'the build of Dockerfile failed: broken on purpose', { hint: 'mend it' })
}
