/** The limits of an instance. */
import * as z from 'zod'
import type { Resources } from '../model/version.ts'
import { defaultResources } from './defaults.ts'
import { parseSize, printSize, sizePattern } from './units.ts'

const minimumMemoryBytes = parseSize('6MiB')

const limits = (defaults: Readonly<Record<'cpus' | 'memory' | 'pids', string>>) =>
  z.strictObject({
    cpus: z
      .number()
      .min(0.01)
      .max(1024)
      .refine((value) => Math.abs(value * 1000 - Math.round(value * 1000)) < 1e-6, 'must be a multiple of 0.001')
      .meta({
        description: `The most CPU time that an instance gets, in CPUs. Default: ${defaults.cpus}.`,
        examples: [0.5, 2],
      })
      .optional(),
    memory: z
      .string()
      .regex(sizePattern, {
        error: 'must be a whole number with a unit: KiB, MiB, GiB, TiB, kB, MB, GB or TB',
        abort: true,
      })
      .refine((value) => parseSize(value) >= minimumMemoryBytes, 'must be at least 6MiB')
      .refine((value) => parseSize(value) <= parseSize('64TiB'), 'must be at most 64TiB')
      .meta({
        description: `The most memory that an instance gets, its tmpfs included. Default: ${defaults.memory}.`,
        examples: ['128MiB', '1GiB'],
      })
      .transform(parseSize)
      .optional(),
    pids: z
      .int()
      .min(1)
      .max(4_194_304)
      .meta({
        description: `The most processes and threads that an instance has. Default: ${defaults.pids}.`,
        examples: [256],
      })
      .optional(),
  })

export const resources = limits({
  cpus: String(defaultResources.cpuMillis / 1000),
  memory: printSize(defaultResources.memoryBytes),
  pids: String(defaultResources.pids),
})

/** In the place of others. */
export const otherLimits = limits({ cpus: 'as before', memory: 'as before', pids: 'as before' })

type ResourcesDefinition = z.infer<typeof resources>

/** In the model's units, as far as it says them. */
export function toLimits({ cpus, memory, pids }: ResourcesDefinition): Partial<Resources> {
  return {
    ...(cpus !== undefined && { cpuMillis: Math.round(cpus * 1000) }),
    ...(memory !== undefined && { memoryBytes: memory }),
    ...(pids !== undefined && { pids }),
  }
}
