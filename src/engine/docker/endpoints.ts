/**
 * Every call that the driver can make, and no other (promise 1): the client takes its requests from this list.
 *
 * There is no attach, update, rename, unpause or network-connect in it, and nothing that brings files into an instance. There
 * is an exec, for one use: a terminal in an instance that was given up for it, tainted on the record and out of rotation
 * (`docker-terminals.ts`). What comes last is for one that was touched, and from which nothing comes back.
 */

interface Endpoint {
  readonly method: 'GET' | 'POST' | 'DELETE'
  /** `{id}` and `{name}` stand for what is asked about. */
  readonly path: string
  /** Quick calls answer at once; the others do work, or wait for an instance, and have no time limit. */
  readonly quick: boolean
}

export const endpoints = {
  readVersion: { method: 'GET', path: '/version', quick: true },
  readInfo: { method: 'GET', path: '/info', quick: true },
  listContainers: { method: 'GET', path: '/containers/json', quick: true },
  inspectContainer: { method: 'GET', path: '/containers/{id}/json', quick: true },
  createContainer: { method: 'POST', path: '/containers/create', quick: false },
  startContainer: { method: 'POST', path: '/containers/{id}/start', quick: false },
  killContainer: { method: 'POST', path: '/containers/{id}/kill', quick: false },
  waitForContainer: { method: 'POST', path: '/containers/{id}/wait', quick: false },
  removeContainer: { method: 'DELETE', path: '/containers/{id}', quick: false },
  readLogs: { method: 'GET', path: '/containers/{id}/logs', quick: false },
  listNetworks: { method: 'GET', path: '/networks', quick: true },
  inspectNetwork: { method: 'GET', path: '/networks/{id}', quick: true },
  createNetwork: { method: 'POST', path: '/networks/create', quick: false },
  removeNetwork: { method: 'DELETE', path: '/networks/{id}', quick: false },
  createVolume: { method: 'POST', path: '/volumes/create', quick: false },
  listVolumes: { method: 'GET', path: '/volumes', quick: true },
  removeVolume: { method: 'DELETE', path: '/volumes/{name}', quick: false },
  listImages: { method: 'GET', path: '/images/json', quick: true },
  inspectImage: { method: 'GET', path: '/images/{name}/json', quick: true },
  createImage: { method: 'POST', path: '/images/create', quick: false },
  buildImage: { method: 'POST', path: '/build', quick: false },
  tagImage: { method: 'POST', path: '/images/{name}/tag', quick: false },
  removeImage: { method: 'DELETE', path: '/images/{name}', quick: false },
  createExec: { method: 'POST', path: '/containers/{id}/exec', quick: false },
  startExec: { method: 'POST', path: '/exec/{id}/start', quick: false },
  resizeExec: { method: 'POST', path: '/exec/{id}/resize', quick: true },
  inspectExec: { method: 'GET', path: '/exec/{id}/json', quick: true },
  readEvents: { method: 'GET', path: '/events', quick: false },
  disconnectNetwork: { method: 'POST', path: '/networks/{id}/disconnect', quick: false },
  pauseContainer: { method: 'POST', path: '/containers/{id}/pause', quick: false },
  listProcesses: { method: 'GET', path: '/containers/{id}/top', quick: false },
  listChanges: { method: 'GET', path: '/containers/{id}/changes', quick: false },
  readArchive: { method: 'GET', path: '/containers/{id}/archive', quick: false },
} as const satisfies Record<string, Endpoint>

export type EndpointName = keyof typeof endpoints

export type Query = Readonly<Record<string, string | number | boolean | undefined>>

/** Path and query of a request. Slashes of an image's name stay as they are; all else is escaped. */
export function requestPath(endpoint: EndpointName, subject: string, query: Query): string {
  const path = endpoints[endpoint].path.replace(/\{\w+\}/, () => subject.split('/').map(encodeURIComponent).join('/'))
  const search = new URLSearchParams()
  for (const [name, value] of Object.entries(query)) if (value !== undefined) search.set(name, String(value))
  return search.size === 0 ? path : `${path}?${search.toString()}`
}
