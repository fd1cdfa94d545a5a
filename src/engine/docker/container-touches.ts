/** The engine's events as touches: what somebody did through the engine's socket to an instance or its sandbox. */
import { constants } from 'node:os'
import type { Touch, TouchKind } from '../../model/touch.ts'
import type { ContainerEvent, NetworkEvent } from './container-events.ts'

type Told = readonly [kind: TouchKind, detail: string]

/** Undefined for what is no touch: a life and a death as such, reading (`top`, `stats`), and the ends of acts. */
export function containerTouch(event: ContainerEvent): Touch | undefined {
  const told = wordsOf(event)
  return told && touch(told, event)
}

export function networkTouch(event: NetworkEvent): Touch {
  const verb = event.action === 'connect' ? 'connected to' : 'disconnected from'
  return touch(['network', `it was ${verb} the network ${event.network}`], event)
}

/** An instance is started once, by the engine contract. */
export function restartTouch(event: ContainerEvent): Touch {
  return touch(['signal', 'it was started again after its end'], event)
}

/** The touch of a sandbox is one of the instance in it. */
export function ofSandbox(of: Touch): Touch {
  return { ...of, detail: `its sandbox: ${of.detail}` }
}

function wordsOf({ action, name, attributes }: ContainerEvent): Told | undefined {
  const [verb, words] = split(action)
  switch (verb) {
    case 'exec_create':
    case 'exec_start':
      return ['exec', `exec ${words}`.trim()]
    case 'kill':
      return ['signal', `signal ${signalWords(attributes['signal'])}`]
    case 'rename':
      return ['rename', `it was renamed from ${bare(attributes['oldName'])} to ${name}`]
    case 'commit':
      return ['commit', `it was committed as ${attributes['imageRef'] || attributes['imageID'] || 'an image'}`]
    default:
      return plain.get(verb)
  }
}

const plain: ReadonlyMap<string, Told> = new Map<string, Told>([
  ['attach', ['attach', 'a terminal was attached']],
  ['archive-path', ['copy', 'files were copied out']],
  ['extract-to-dir', ['copy', 'files were copied in']],
  ['copy', ['copy', 'files were copied']],
  ['export', ['export', 'its file system was exported']],
  ['checkpoint', ['export', 'its processes were checkpointed']],
  ['pause', ['pause', 'it was paused']],
  ['unpause', ['pause', 'it was unpaused']],
  ['update', ['update', 'its limits were updated']],
  ['stop', ['signal', 'it was stopped']],
  ['restart', ['signal', 'it was restarted']],
])

/** `exec_create: /bin/sh -c …` */
function split(action: string): readonly [string, string] {
  const at = action.indexOf(': ')
  return at === -1 ? [action, ''] : [action.slice(0, at), action.slice(at + 2)]
}

function signalWords(number: string | undefined): string {
  const name = Object.entries(constants.signals).find(([, value]) => String(value) === number)?.[0]
  return name ?? number ?? 'of an unknown number'
}

function bare(name: string | undefined): string {
  return name?.replace(/^\//, '') ?? 'another name'
}

function touch([kind, detail]: Told, { atMs }: { readonly atMs: number }): Touch {
  return { kind, layer: 'events', atMs, detail }
}
