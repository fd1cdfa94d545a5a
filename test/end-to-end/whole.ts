/** Whether a scene's fleet is exactly as its file says, by engine, HAProxy and /proc, and nothing is beside it. */
import type { ContainerInspectInfo } from 'dockerode'
import { expect } from 'vitest'
import type { DriftReport } from '../../src/model/report.ts'
import { eventually } from './eventually.ts'
import type { Scene } from './scene.ts'

export interface Wanted {
  readonly replicas: number
  /** The GREETING of the stack file. */
  readonly greeting: string
  /** Namespaces for instances, in use and spare, that an undisturbed controller keeps for such a fleet. */
  readonly sandboxes: number
  /** The engine was told to leave the packet filter alone: the rules that keep networks apart are missing. */
  readonly isUnfiltered?: true
}

/** Holds as soon as a command has said that it is done; what was only made for instances may still be tidied up. */
export async function expectWhole(scene: Scene, wanted: Wanted): Promise<void> {
  expect(await fleet(scene)).toEqual(wantedFleet(wanted))
  let last: unknown
  await eventually('what instances need is there, and no more', async () => {
    last = await surroundings(scene)
    return JSON.stringify(last) === JSON.stringify(wantedSurroundings(wanted))
  }).catch(() => expect(last).toEqual(wantedSurroundings(wanted)))
  const { findings } = (await scene.repave('drift')).lines.at(-1) as DriftReport
  expect(findings.filter(({ kind }) => kind !== 'firewall' || !wanted.isUnfiltered)).toEqual([])
}

/** How many sandboxes there are once the controller has come to rest after an undisturbed `up`. */
export async function restingSandboxes(scene: Scene): Promise<number> {
  const counts: number[] = []
  await eventually('the number of sandboxes stays as it is', async () => {
    counts.push((await scene.sandboxes()).length)
    const recent = counts.slice(-20)
    return recent.length === 20 && new Set(recent).size === 1
  })
  return counts.at(-1) ?? 0
}

/** Every instance by its number, what it runs, and whether requests reach it, and it alone, where it really is. */
async function fleet(scene: Scene) {
  const containers = await Promise.all((await scene.instances()).map(({ Id }) => scene.engine.inspect(Id)))
  const sandboxes = await Promise.all(containers.map((container) => scene.engine.inspect(sandboxOf(container))))
  const servers = await scene.router.servers()
  return {
    instances: containers.map((container, index) => ({
      isRunning: container.State.Running,
      greeting: variable(container, 'GREETING'),
      servers: servers
        .filter(({ instance }) => `/${instance}` === container.Name)
        .map(({ address, admin, up }) => ({
          isItself: address.host === addressOf(sandboxes[index]) && address.port === 8080,
          admin,
          up,
        })),
    })),
    versions: new Set(containers.map(({ Config }) => Config.Labels['repave.version'])).size,
    servers: servers.length,
  }
}

function wantedFleet({ replicas, greeting }: Wanted): Awaited<ReturnType<typeof fleet>> {
  const servers = [{ isItself: true, admin: 'ready' as const, up: true }]
  return {
    instances: Array.from({ length: replicas }, () => ({ isRunning: true, greeting, servers })),
    versions: 1,
    servers: replicas,
  }
}

async function surroundings(scene: Scene) {
  const sandboxes = await scene.sandboxes()
  const networks = await scene.engine.networks(`repave.stack=${scene.stack}`)
  return {
    sandboxes: sandboxes.length,
    running: sandboxes.filter(({ State }) => State === 'running').length,
    networks: networks.length,
    routers: scene.routerProcesses().length,
    controllers: scene.controllers().length,
  }
}

/** HAProxy is a master and a worker. */
function wantedSurroundings({ sandboxes }: Wanted): Awaited<ReturnType<typeof surroundings>> {
  return { sandboxes, running: sandboxes, networks: 1, routers: 2, controllers: 1 }
}

function sandboxOf({ HostConfig }: ContainerInspectInfo): string {
  return (HostConfig.NetworkMode ?? '').replace(/^container:/, '')
}

function addressOf(sandbox: ContainerInspectInfo | undefined): string | undefined {
  const [network] = Object.values(sandbox?.NetworkSettings.Networks ?? {})
  return network?.IPAddress
}

function variable({ Config }: ContainerInspectInfo, name: string): string | undefined {
  return Config.Env.find((line) => line.startsWith(`${name}=`))?.slice(name.length + 1)
}
