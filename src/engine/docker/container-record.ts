/** What the driver reads of the engine's answers, checked; what it has no use for is left unread. */
import type { ContainerCreateOptions, HostConfig } from 'dockerode'
import { z } from 'zod'

const texts = z
  .array(z.string())
  .nullish()
  .transform((list) => list ?? [])
const textMap = z
  .record(z.string(), z.string())
  .nullish()
  .transform((map) => map ?? {})
const keys = z
  .record(z.string(), z.unknown())
  .nullish()
  .transform((map) => Object.keys(map ?? {}).toSorted())
const networks = z
  .object({
    Networks: z
      .record(z.string(), z.object({ IPAddress: z.string().default(''), NetworkID: z.string().default('') }))
      .nullish(),
  })
  .nullish()
  .transform((settings) =>
    Object.entries(settings?.Networks ?? {}).map(([name, { IPAddress, NetworkID }]) => ({
      name,
      id: NetworkID,
      address: IPAddress,
    })),
  )
const digest = z.templateLiteral(['sha256:', z.string()])

/** `GET /containers/{id}/json`, from the OpenAPI description of the Docker Engine API. */
export const containerRecord = z.object({
  Id: z.string(),
  /** With a leading slash. */
  Name: z.string(),
  Created: z.string(),
  Path: z.string(),
  Args: texts,
  Image: digest,
  State: z.object({
    Status: z.string(),
    Running: z.boolean(),
    OOMKilled: z.boolean().default(false),
    Pid: z.number(),
    ExitCode: z.number(),
    Error: z.string().default(''),
    StartedAt: z.string(),
    FinishedAt: z.string(),
  }),
  Config: z.object({
    Env: texts,
    User: z.string().default(''),
    WorkingDir: z.string().default(''),
    Labels: textMap,
    StopSignal: z.string().nullish(),
    Tty: z.boolean().default(false),
  }),
  /** Loose: `version-mapping.ts` looks for settings that must not be there. */
  HostConfig: z.looseObject({
    NetworkMode: z.string(),
    NanoCpus: z.number().default(0),
    Memory: z.number().default(0),
    MemorySwap: z.number().default(0),
    PidsLimit: z.number().nullish(),
    Tmpfs: textMap,
    Mounts: z
      .array(z.unknown())
      .nullish()
      .transform((list) => list ?? []),
    ReadonlyRootfs: z.boolean().default(false),
    CapAdd: texts,
    CapDrop: texts,
    SecurityOpt: texts,
    MaskedPaths: texts,
    ReadonlyPaths: texts,
    RestartPolicy: z.object({ Name: z.string().default('') }).default({ Name: '' }),
  }),
  Mounts: z
    .array(
      z.object({
        Type: z.string(),
        /** Of a volume. */
        Name: z.string().default(''),
        Driver: z.string().default(''),
        Destination: z.string(),
        RW: z.boolean().default(false),
      }),
    )
    .default([]),
  NetworkSettings: networks,
  /** Where the storage driver keeps its layers: paths on the engine's machine. */
  GraphDriver: z
    .object({ Name: z.string().default(''), Data: z.record(z.string(), z.string()).nullish() })
    .default({ Name: '' }),
})
export type ContainerRecord = z.infer<typeof containerRecord>

/** `GET /containers/json` */
export const containerList = z.array(
  z.object({
    Id: z.string(),
    /** `created`, `running`, `paused`, `restarting`, `removing`, `exited` or `dead`. */
    State: z.string(),
    Names: texts,
    Labels: textMap,
    HostConfig: z.object({ NetworkMode: z.string().default('') }),
    NetworkSettings: networks,
  }),
)
export type ListedContainer = z.infer<typeof containerList>[number]

/** The body of `POST /containers/create`. */
export type ContainerBody = Omit<ContainerCreateOptions, 'Entrypoint' | 'HostConfig'> & {
  readonly Entrypoint: string[]
  readonly HostConfig: HostConfig & { readonly CgroupnsMode: 'private' }
}

/** What `POST /containers/create` and `POST /networks/create` answer. */
export const createdObject = z.object({ Id: z.string() })

/** `GET /networks` */
export const networkList = z.array(z.object({ Id: z.string(), Name: z.string(), Labels: textMap }))

/** `GET /networks/{id}` */
export const networkRecord = z.object({
  Id: z.string(),
  Name: z.string(),
  Driver: z.string(),
  Scope: z.string().default('local'),
  Internal: z.boolean().default(false),
  EnableIPv6: z.boolean().default(false),
  Attachable: z.boolean().default(false),
  Ingress: z.boolean().default(false),
  Options: textMap,
  /** Those that run, by id. */
  Containers: z
    .record(z.string(), z.object({ Name: z.string() }))
    .nullish()
    .transform((containers) => containers ?? {}),
})
export type NetworkRecord = z.infer<typeof networkRecord>

/** `GET /containers/json`, for the networks that each is in. */
export const connectedList = z.array(
  z.object({
    Id: z.string(),
    State: z.string(),
    Names: texts,
    Labels: textMap,
    HostConfig: z.object({ NetworkMode: z.string().default('') }),
    /** The ids of its networks by their names. */
    NetworkSettings: z
      .object({ Networks: z.record(z.string(), z.object({ NetworkID: z.string().default('') })).nullish() })
      .nullish()
      .transform(
        (settings) =>
          new Map(Object.entries(settings?.Networks ?? {}).map(([name, { NetworkID }]) => [name, NetworkID])),
      ),
  }),
)
export type ConnectedContainer = z.infer<typeof connectedList>[number]

/** What `POST /volumes/create` answers: the volume that there is by that name, new or not. */
export const volumeRecord = z.object({ Name: z.string(), Labels: textMap })
export type VolumeRecord = z.infer<typeof volumeRecord>

/** `GET /volumes` */
export const volumeList = z.object({
  Volumes: z
    .array(volumeRecord)
    .nullish()
    .transform((list) => list ?? []),
})

/** `GET /images/json` */
export const imageList = z.array(z.object({ Id: digest, RepoTags: texts }))

/** `GET /images/{name}/json` */
export const imageRecord = z.object({
  Id: digest,
  RepoDigests: texts,
  RootFS: z.object({ Layers: texts }).nullish(),
  Config: z
    .object({
      Entrypoint: texts,
      Cmd: texts,
      Env: texts,
      User: z.string().default(''),
      WorkingDir: z.string().default(''),
      Volumes: keys,
      Labels: textMap,
      /** Instructions that a build from the image carries out first. */
      OnBuild: texts,
    })
    .nullish(),
})
export type ImageRecord = z.infer<typeof imageRecord>

/** `GET /containers/{id}/changes`; null for none. */
export const changeList = z
  .array(z.object({ Path: z.string(), Kind: z.number() }))
  .nullish()
  .transform((list) => list ?? [])

/** `GET /containers/{id}/top` */
export const processList = z.object({ Processes: z.array(texts) })

/** The sandbox that an instance lives in: `container:ID`. */
export function sandboxIdOf(networkMode: string): string | undefined {
  return networkMode.startsWith('container:') ? networkMode.slice('container:'.length) : undefined
}

/** RFC 3339 to milliseconds since the epoch; undefined for the year 1, Go's zero time. */
export function timeMs(text: string): number | undefined {
  const ms = Date.parse(text)
  return ms > 0 ? ms : undefined
}
