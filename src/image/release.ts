/** A stack and the images of its services, as the release that an environment should run. Pure. */
import { dirname, posix, relative } from 'node:path'
import type { PreparedImage } from '../engine/engine.ts'
import { RepaveError } from '../errors.ts'
import type { Release, ServiceRelease } from '../model/release.ts'
import type { ImageSource, ServiceSpec, Stack } from '../model/stack.ts'
import { defaultHardening, versionId, type VersionSpec } from '../model/version.ts'
import { own } from '../model/own.ts'

/** Who runs an image that says nothing, or root: "nobody" of distroless images, without any rights on a machine. */
const unprivilegedUser = '65532:65532'

/** `images` by service. Throws IMAGE_INVALID for an image that says no command where the stack says none either. */
export function toRelease(stack: Stack, images: Readonly<Record<string, PreparedImage>>): Release {
  const services = Object.entries(stack.services).map(([name, service]) => {
    const image = own(images, name)
    if (!image) throw new TypeError(`service ${name} has no prepared image`)
    return [name, toServiceRelease(name, service, image)] as const
  })
  const { environment, rollback, notifications } = stack
  return {
    stack: stack.stack,
    environment,
    services: Object.fromEntries(services),
    ...(rollback && { rollback }),
    ...(notifications && { notifications }),
  }
}

function toServiceRelease(name: string, service: ServiceSpec, image: PreparedImage): ServiceRelease {
  const spec = toVersionSpec(name, service, image)
  const { replicas, standby, routes, rollout, dependsOn, history, rehearsal, lifetime, guard, drainMs } = service
  return {
    version: versionId(spec),
    spec,
    imageName: imageName(service.image),
    ...(Object.keys(image.labels).length > 0 && { labels: image.labels }),
    replicas,
    ...(standby !== undefined && { standby }),
    routes,
    rollout,
    ...(dependsOn && { dependsOn }),
    ...(history !== undefined && { history }),
    ...(rehearsal && { rehearsal }),
    ...(lifetime && { lifetime }),
    ...(guard && { guard }),
    drainMs,
  }
}

/** Everything that the image would decide at run time is spelled out. */
export function toVersionSpec(name: string, service: ServiceSpec, image: PreparedImage): VersionSpec {
  return {
    image: image.digest,
    command: commandOf(name, service, image),
    workingDirectory: posix.resolve('/', image.workingDirectory),
    environment: { ...image.environment, ...service.environment },
    user: service.user ?? (isRoot(image.user) ? unprivilegedUser : image.user),
    port: service.port ?? null,
    health: service.health,
    resources: service.resources,
    tmpfs: temporaryPaths(name, service, image),
    ...(service.data && { data: service.data }),
    hardening: defaultHardening,
    ...(service.executables && { executables: service.executables }),
  }
}

function commandOf(name: string, service: ServiceSpec, image: PreparedImage): readonly string[] {
  const command = service.command ?? [...image.entrypoint, ...image.command]
  if (command.length > 0) return command
  throw new RepaveError(
    'IMAGE_INVALID',
    `service ${name}: the image ${imageName(service.image)} does not say what to run`,
    {
      hint: `add the program and its arguments: services.${name}.command: [/path/to/program]`,
      about: ['services', name],
    },
  )
}

function isRoot(user: string): boolean {
  const [name = ''] = user.split(':')
  return name === '' || name === 'root' || /^0+$/.test(name)
}

/** What an image declares as a volume it wants to write to; a volume would outlive the instance, a tmpfs does not. */
function temporaryPaths(name: string, service: ServiceSpec, image: PreparedImage): readonly string[] {
  const data = Object.values(service.data ?? {})
  const volumes = image.volumes
    .map((volume) => posix.resolve('/', volume))
    .filter((volume) => volume !== '/' && !data.includes(volume))
  refuseHidden(name, service, volumes)
  return [...new Set([...service.tmpfs, ...volumes])].toSorted()
}

/** A tmpfs inside of data would take what is written there with the instance. */
function refuseHidden(name: string, { image, data = {} }: ServiceSpec, volumes: readonly string[]): void {
  for (const [key, place] of Object.entries(data)) {
    const inner = volumes.find((volume) => volume.startsWith(`${place}/`))
    if (inner === undefined) continue
    const message = `service ${name}: the image ${imageName(image)} declares a volume at ${inner}, inside of the data ${key} at ${place}`
    throw new RepaveError('IMAGE_INVALID', message, {
      hint: `give the data the image's own path, services.${name}.data.${key}: ${inner}`,
      about: ['services', name, 'data', key],
    })
  }
}

/** A Dockerfile goes by its path from beside its context, so that the same checkout elsewhere is the same release. */
function imageName(source: ImageSource): string {
  return source.kind === 'reference' ? source.reference : relative(dirname(source.context), source.dockerfile)
}
