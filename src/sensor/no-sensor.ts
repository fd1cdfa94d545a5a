/** The sensor of a machine on which none can work: it says so, layer by layer. */
import { once } from 'node:events'
import { sensorLayers, type Sensor, type SensorLayer } from './sensor.ts'

/** `reason` continues "missing, since"; `remedy` is a sentence. */
export function createNoSensor(reason: string, remedy: string): Sensor {
  return {
    senses: async () =>
      sensorLayers.map((layer) => ({ layer, state: 'missing', detail: `${reason}: ${unseen[layer]}`, remedy })),
    follow: async () => {},
    watch: async (_listener, signal) => {
      if (!signal.aborted) await once(signal, 'abort')
    },
    stop: async () => {},
  }
}

/** What nobody sees where a layer is missing. */
export const unseen: Readonly<Record<SensorLayer, string>> = {
  files: 'files that others write into an instance are not seen',
  executions: 'programs that others run in an instance are neither seen nor refused',
  processes: 'processes that enter an instance past the engine, or trace its own, are not seen',
  mounts: 'changes of its mounts are not seen',
  groups: 'changes of its control groups past the engine are not seen',
  digests: 'programs that are not those of its image are not seen',
}
