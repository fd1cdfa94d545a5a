/** What is writable in an instance, and what outlives it. Pure. */
import type { ServiceDefinition, StackDefinition } from './definition.ts'
import type { Finding } from './finding.ts'

export function checkTmpfs(name: string, { tmpfs = [] }: ServiceDefinition): readonly Finding[] {
  return tmpfs.flatMap((place, index) =>
    tmpfs.indexOf(place) === index
      ? []
      : [
          {
            path: ['services', name, 'tmpfs', index],
            message: `service ${name} lists the writable path ${place} twice`,
            hint: 'keep one of the two',
          },
        ],
  )
}

/** One place inside of another would hide a part of it. */
export function checkData(name: string, { tmpfs = [], data = {} }: ServiceDefinition): readonly Finding[] {
  const volumes = Object.entries(data)
  return volumes.flatMap(([volume, place], index) => {
    const path = ['services', name, 'data', volume]
    const inMemory = tmpfs.find((other) => overlap(place, other))
    if (inMemory !== undefined) {
      const message = `service ${name} has the data ${volume} at ${place} and a tmpfs at ${inMemory}`
      return { path, message, hint: 'take the path out of tmpfs, or give the data another one beside it' }
    }
    const [other, at] = volumes.slice(0, index).find(([, earlier]) => overlap(place, earlier)) ?? []
    if (other === undefined) return []
    const message = `service ${name} has the data ${other} at ${at} and ${volume} at ${place}`
    return { path, message, hint: 'give each a path of its own, none inside of another' }
  })
}

/** Volumes are named by joining with dashes what they belong to. */
export function checkVolumeNames({ services }: StackDefinition): readonly Finding[] {
  const all = Object.entries(services).flatMap(([service, { data = {} }]) =>
    Object.keys(data).map((volume) => ({ service, volume, name: `${service}-${volume}` })),
  )
  return [...Map.groupBy(all, ({ name }) => name).values()].flatMap(([first, ...others]) =>
    others.map(({ service, volume }) => ({
      path: ['services', service, 'data', volume],
      part: 'key' as const,
      message: `the data ${volume} of service ${service} and ${first?.volume} of ${first?.service} would have one name`,
      hint: 'give one of them another name',
    })),
  )
}

function overlap(one: string, other: string): boolean {
  return `${one}/`.startsWith(`${other}/`) || `${other}/`.startsWith(`${one}/`)
}
