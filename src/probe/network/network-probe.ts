/** Probes instances over the network, from the machine that the controller runs on. */
import { request } from 'node:http'
import { connect } from 'node:net'
import type { Address } from '../../model/address.ts'
import type { Probe, ProbeResult } from '../probe.ts'

export const networkProbe: Probe = {
  async probe(address, health, signal) {
    const limit = AbortSignal.any([signal, AbortSignal.timeout(health.timeoutMs)])
    switch (health.kind) {
      case 'http':
        return httpProbe(address, health.path, limit)
      case 'tcp':
        return tcpProbe(address, limit)
      case 'process':
        return { healthy: true, answer: 'running' }
    }
  },
}

/**
 * Healthy: any answer from 200 to 399. Only the head of the answer is waited for; its body is not read.
 *
 * It is the probe that closes the connection: whoever does so first keeps the address for a minute (TIME_WAIT), and a
 * network namespace with such a rest in it is not given to another instance.
 */
function httpProbe({ host, port }: Address, path: string, signal: AbortSignal): Promise<ProbeResult> {
  const headers = { 'user-agent': 'repave-probe', connection: 'keep-alive' }
  return new Promise((resolve) => {
    const probe = request({ host, port, path, headers, agent: false, signal }, (response) => {
      const status = response.statusCode ?? 0
      resolve({ healthy: status >= 200 && status < 400, answer: `HTTP ${status} from ${path}` })
      response.destroy()
    })
    probe.on('error', (error) => resolve({ healthy: false, answer: words(error, signal) }))
    probe.end()
  })
}

function tcpProbe(address: Address, signal: AbortSignal): Promise<ProbeResult> {
  return new Promise((resolve) => {
    const socket = connect({ ...address, signal })
    socket.on('connect', () => {
      resolve({ healthy: true, answer: 'accepts connections' })
      socket.destroy()
    })
    socket.on('error', (error) => resolve({ healthy: false, answer: words(error, signal) }))
  })
}

function words(error: NodeJS.ErrnoException, signal: AbortSignal): string {
  if (signal.aborted) return 'no answer in time'
  if (error.code === 'ECONNREFUSED') return 'connection refused'
  return error.code ?? error.message
}
