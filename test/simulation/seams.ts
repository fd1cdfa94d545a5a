/** The seams of the controller, opened: every call that crosses one passes through a function of ours. */
import type { Ledger } from '../../src/controller/seams.ts'
import type { Engine, EngineEvent } from '../../src/engine/engine.ts'
import type { EvidencePart } from '../../src/model/evidence.ts'
import type { Entry } from '../../src/model/entry.ts'
import type { Router, RouterEvent } from '../../src/router/router.ts'
import type { Store } from '../../src/store/store.ts'

export interface Call {
  readonly on: 'engine' | 'router' | 'store' | 'ledger'
  readonly verb: string
  /** What it is about: an instance, a scope, an image. */
  readonly subject: string
  /** `act` changes the world, `record` the store, `look` nothing. */
  readonly nature: 'act' | 'record' | 'look'
  /** The line of history that is to be recorded. */
  readonly entry?: Entry
  /** Thousandths of the requests that are to go to lane b. */
  readonly toB?: number
}

/** Does `run`, or does not, or not yet, or says something else about it. */
export type Around = <Result>(call: Call, run: () => Promise<Result>) => Promise<Result>

/** Brings an event to its listener, or not, or not yet, or twice. */
export type Deliver = (hear: () => void) => void

export function aroundEngine(engine: Engine, around: Around, deliver: Deliver): Engine {
  const act = actOn(around, 'engine')
  const look = lookAt(around, 'engine')
  return {
    kind: engine.kind,
    version: () => look('version', () => engine.version()),
    prepare: (request, progress) => look('prepare', () => engine.prepare(request, progress)),
    create: (order) => act('create', order.name, () => engine.create(order)),
    start: (name) => act('start', name, () => engine.start(name)),
    destroy: (name, graceMs) => act('destroy', name, () => engine.destroy(name, graceMs)),
    observe: (options) => look('observe', () => engine.observe(options)),
    logs: (name, options) => engine.logs(name, options),
    isolate: (name) => act('isolate', name, () => engine.isolate(name)),
    collect: (name, options) => collectThrough(around, name, () => engine.collect(name, options)),
    senses: () => look('senses', () => engine.senses()),
    watch: (listener, signal) =>
      engine.watch((event: EngineEvent) => deliver(() => signal.aborted || listener(event)), signal),
    reserve: (scope, count) =>
      act('reserve', `${scope.stack}/${scope.environment}`, () => engine.reserve(scope, count)),
    retire: (scope) => act('retire', `${scope.stack}/${scope.environment}`, () => engine.retire(scope)),
    discardData: (scope) => act('discardData', `${scope.stack}/${scope.environment}`, () => engine.discardData(scope)),
    retain: (digests) => act('retain', `${digests.length} images`, () => engine.retain(digests)),
    present: (digests) => look('present', () => engine.present(digests)),
    survey: (scope) => look('survey', () => engine.survey(scope)),
    describe: (image) => look('describe', () => engine.describe(image)),
  }
}

/** All of it in one call, which halts the instance. */
async function* collectThrough(
  around: Around,
  name: string,
  collect: () => AsyncIterable<EvidencePart>,
): AsyncIterable<EvidencePart> {
  const call = { on: 'engine', verb: 'collect', subject: name, nature: 'act' } as const
  yield* await around(call, () => Array.fromAsync(collect()))
}

export function aroundRouter(router: Router, around: Around, deliver: Deliver): Router {
  const act = actOn(around, 'router')
  const look = lookAt(around, 'router')
  return {
    kind: router.kind,
    version: () => look('version', () => router.version()),
    configure: (services) =>
      act('configure', services.map(({ pool }) => pool).join(' '), () => router.configure(services)),
    check: (services) => look('check', () => router.check(services)),
    observe: () => look('observe', () => router.observe()),
    add: (pool, instance, address, lane) => act('add', instance, () => router.add(pool, instance, address, lane)),
    split: (pool, toB) =>
      around({ on: 'router', verb: 'split', subject: pool, nature: 'act', toB }, () => router.split(pool, toB)),
    remove: (pool, instance, timeoutMs) => act('remove', instance, () => router.remove(pool, instance, timeoutMs)),
    watch: (listener, signal) =>
      router.watch((event: RouterEvent) => deliver(() => signal.aborted || listener(event)), signal),
    measure: (listener, signal) => router.measure(listener, signal),
    counts: () => look('counts', () => router.counts()),
  }
}

export function aroundStore(store: Store, around: Around): Store {
  const look = lookAt(around, 'store')
  const record = <Result>(verb: string, subject: string, run: () => Promise<Result>) =>
    around({ on: 'store', verb, subject, nature: 'record' }, run)
  const enter = <Result>(verb: string, entry: Entry, run: () => Promise<Result>) => {
    const subject = `${entry.kind} ${entry.instance ?? ''}`.trim()
    return around({ on: 'store', verb, subject, nature: 'record', entry }, run)
  }
  return {
    decide: (decision) => record('decide', `${decision.decision}: ${decision.reason}`, () => store.decide(decision)),
    currentRelease: (scope) => look('currentRelease', () => store.currentRelease(scope)),
    currentReleases: () => look('currentReleases', () => store.currentReleases()),
    releases: (scope) => look('releases', () => store.releases(scope)),
    release: (id) => look('release', () => store.release(id)),
    endRollout: (end, entry) => record('endRollout', end.state, () => store.endRollout(end, entry)),
    changeRollout: (change, entry) => record('changeRollout', entry.kind, () => store.changeRollout(change, entry)),
    coolRollout: (id, entry) => record('coolRollout', entry.kind, () => store.coolRollout(id, entry)),
    runningRollouts: () => look('runningRollouts', () => store.runningRollouts()),
    warmRollouts: () => look('warmRollouts', () => store.warmRollouts()),
    rollouts: (key, limit) => look('rollouts', () => store.rollouts(key, limit)),
    refuse: (refusal, entry) => record('refuse', refusal.reason, () => store.refuse(refusal, entry)),
    lift: (id, lifted, entry) => record('lift', lifted.reason, () => store.lift(id, lifted, entry)),
    refusals: () => look('refusals', () => store.refusals()),
    saveVersion: (version) => record('saveVersion', version.version.slice(0, 8), () => store.saveVersion(version)),
    saveRehearsal: (version, rehearsal, entry) =>
      enter('saveRehearsal', entry, () => store.saveRehearsal(version, rehearsal, entry)),
    versions: (scope, service) => look('versions', () => store.versions(scope, service)),
    append: (entry) => enter('append', entry, () => store.append(entry)),
    entries: (filter) => look('entries', () => store.entries(filter)),
    openIntents: () => look('openIntents', () => store.openIntents()),
    leaves: (from, limit) => look('leaves', () => store.leaves(from, limit)),
    size: () => look('size', () => store.size()),
    forget: (before) => record('forget', `${before}`, () => store.forget(before)),
    restart: (entry) => record('restart', entry.message, () => store.restart(entry)),
    close: () => look('close', () => store.close()),
  }
}

export function aroundLedger({ files, witnesses, publisher }: Ledger, around: Around): Ledger {
  const record = <Result>(verb: string, subject: string, run: () => Promise<Result>) =>
    around({ on: 'ledger', verb, subject, nature: 'record' }, run)
  return {
    files,
    witnesses,
    publisher: {
      get published() {
        return publisher.published
      },
      get checkpoint() {
        return publisher.checkpoint
      },
      publish: (leaves) => record('publish', `${leaves.length} entries`, () => publisher.publish(leaves)),
      prune: (before) => record('prune', `before ${before}`, () => publisher.prune(before)),
      cosign: (checkpoint, lines) => record('cosign', '', () => publisher.cosign(checkpoint, lines)),
    },
  }
}

function actOn(around: Around, on: Call['on']) {
  return <Result>(verb: string, subject: string, run: () => Promise<Result>) =>
    around({ on, verb, subject, nature: 'act' }, run)
}

function lookAt(around: Around, on: Call['on']) {
  return <Result>(verb: string, run: () => Promise<Result>) => around({ on, verb, subject: '', nature: 'look' }, run)
}
