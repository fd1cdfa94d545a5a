/** The only file that picks concrete drivers. */
import { createHash } from 'node:crypto'
import { join } from 'node:path'
import { type BackupSource, storeName } from './backup/backup.ts'
import { type RestartReport, restartLedger } from './backup/restart-ledger.ts'
import { Controller } from './controller/controller.ts'
import type { Seams } from './controller/seams.ts'
import { createDockerEngine } from './engine/docker/docker-engine.ts'
import type { Engine } from './engine/engine.ts'
import { RepaveError } from './errors.ts'
import { DiskLocker } from './evidence/disk/disk-locker.ts'
import { type EvidenceKey, openEvidenceKey } from './evidence/disk/evidence-key.ts'
import type { Checkpoint } from './ledger/checkpoint.ts'
import { copyLedger } from './ledger/copy.ts'
import {
  addWitness,
  ledgerFolder,
  openDiskLedger,
  privateKeyFile,
  type WitnessAddress,
  witnessesFile,
} from './ledger/disk/disk-ledger.ts'
import { DiskLedgerFiles } from './ledger/disk/disk-ledger-files.ts'
import { openSigner } from './ledger/disk/disk-signer.ts'
import { formatVerifierKey, parseVerifierKey } from './ledger/key.ts'
import type { LedgerFiles } from './ledger/ledger-files.ts'
import { readPublicKey } from './ledger/public-key.ts'
import { readCheckpoint } from './ledger/published.ts'
import { Witness } from './ledger/witness.ts'
import { WitnessClient } from './ledger/witness-client.ts'
import type { ControllerStatus } from './model/report.ts'
import { PrometheusGate } from './gate/prometheus/prometheus-gate.ts'
import { DiskBookmarks } from './notify/disk/disk-bookmarks.ts'
import { HookMessenger } from './notify/hook/hook-messenger.ts'
import { HttpMessenger } from './notify/http/http-messenger.ts'
import { messengerOf } from './notify/messenger.ts'
import type { Messenger } from './notify/notify.ts'
import { networkProbe } from './probe/network/network-probe.ts'
import { createHaproxyRouter } from './router/haproxy/haproxy-router.ts'
import type { Router } from './router/router.ts'
import { DiskRecordings } from './recording/disk/disk-recordings.ts'
import { copySqliteStore, createSqliteStore } from './store/sqlite/sqlite-store.ts'
import type { Store } from './store/store.ts'
import { createLinuxSensor, whyNoLinuxSensor } from './sensor/linux/linux-sensor.ts'
import { createNoSensor } from './sensor/no-sensor.ts'
import type { Sensor } from './sensor/sensor.ts'
import { systemClock } from './system/clock.ts'

const witnessTimeoutMs = 5_000

export interface Composition {
  readonly controller: Controller
  /** Ends the controller; what it keeps goes on. */
  close(): Promise<void>
}

/** Puts something around what the controller touches: a test's way to watch it, or to end it at a certain call. */
export type Wrap = (seams: Seams) => Seams

/** A controller of the state folder `home`, an existing absolute path, on real drivers. */
export function composeController(
  home: string,
  info: ControllerStatus,
  log: (line: string) => void,
  wrap: Wrap = (seams) => seams,
): Composition {
  const store: Store = createSqliteStore(storeFile(home))
  const sensor = composeSensor(log)
  const engine = createDockerEngine({ owner: ownerOf(home), sensor })
  const seams = {
    clock: systemClock,
    engine,
    access: { terminals: engine.terminals, recordings: recordingsOf(home) },
    router: composeRouter(home),
    probe: networkProbe,
    gate: new PrometheusGate(),
    store,
    locker: new DiskLocker(evidenceFolder(home)),
    openLedger: () => composeLedger(home),
    messenger: composeMessenger(home),
    bookmarks: new DiskBookmarks(join(home, 'notifications.json')),
    info,
    log,
  }
  const controller = new Controller(wrap(seams))
  const close = async () => {
    await controller.stop()
    await sensor.stop()
    await store.close()
  }
  return { controller, close }
}

export function composeEngine(home: string, sensor?: Sensor): Engine {
  return createDockerEngine({ owner: ownerOf(home), ...(sensor && { sensor }) })
}

/** What sees, past the engine, what touches instances; where nothing can, it says why. */
export function composeSensor(log: (line: string) => void): Sensor {
  const lack = whyNoLinuxSensor()
  return lack
    ? createNoSensor(lack.reason, lack.remedy)
    : createLinuxSensor({ onFault: (reason) => log(`sensor: ${reason}`) })
}

/** What was recorded in terminals. */
export function recordingsOf(home: string): DiskRecordings {
  return new DiskRecordings(join(home, 'access'))
}

export function composeRouter(home: string): Router {
  return createHaproxyRouter({ folder: join(home, 'haproxy') })
}

function composeMessenger(home: string): Messenger {
  return messengerOf({ webhook: new HttpMessenger(), hook: new HookMessenger({ folder: join(home, 'hooks') }) })
}

async function composeLedger(home: string): ReturnType<Seams['openLedger']> {
  const { files, publisher, witnesses } = await openDiskLedger(home)
  return { files, publisher, witnesses: witnesses.map(witnessClient) }
}

function witnessClient({ url, key }: WitnessAddress): WitnessClient {
  return new WitnessClient({ url, key, timeoutMs: witnessTimeoutMs })
}

/** Has a witness cosign the checkpoint that there is, and answers which that is. */
export async function cosignNow(home: string, witness: WitnessAddress): Promise<Checkpoint> {
  const files = ledgerFiles(ledgerFolder(home))
  const publicKey = await readPublicKey(files)
  const checkpoint = publicKey && (await readCheckpoint(files, parseVerifierKey('log', publicKey)))
  if (!checkpoint)
    throw new RepaveError('FILE_NOT_FOUND', `there is no checkpoint in ${ledgerFolder(home)}`, {
      hint: 'a controller signs the first one a moment after something was recorded: `repave up`',
    })
  await witnessClient(witness).cosign(files, checkpoint)
  return checkpoint
}

export async function keepWitness(home: string, witness: WitnessAddress): Promise<void> {
  await addWitness(home, witness)
}

/** A witness that keeps its key and what it has seen in `folder`; `logs` are public keys. */
export async function openWitness(folder: string, logs: readonly string[]): Promise<{ witness: Witness; key: string }> {
  const files = ledgerFiles(folder)
  const signer = await openSigner('witness', join(folder, 'witness.key'), files)
  const witness = new Witness({ signer, files, logs: logs.map((key) => ({ key })) })
  return { witness, key: formatVerifierKey(signer.key) }
}

export function ledgerFolderOf(home: string): string {
  return ledgerFolder(home)
}

/** The files of a ledger in any folder. */
export function ledgerFiles(folder: string): LedgerFiles {
  return new DiskLedgerFiles(folder)
}

/** Throws LEDGER_INVALID for a state folder that has no published ledger yet. */
export function backupSourceOf(home: string): BackupSource {
  const published = ledgerFiles(ledgerFolder(home))
  return {
    copyLedger: async (folder) => (await copyLedger(published, ledgerFiles(folder))).size,
    copyStore: (file) => copySqliteStore(storeFile(home), file),
    privateKeyFile: privateKeyFile(home),
    witnessesFile: witnessesFile(home),
  }
}

/** The caller holds the claim to the state folder. */
export async function restartLedgerOf(home: string, reason: string, by: string): Promise<RestartReport> {
  const folder = ledgerFolder(home)
  const store = createSqliteStore(storeFile(home))
  try {
    const files = ledgerFiles(folder)
    return await restartLedger({ home, ledgerFolder: folder, files, store, by, reason, atMs: systemClock.now() })
  } finally {
    await store.close()
  }
}

/** To whom what is secret in evidence is encrypted; made where there is none yet. */
export function evidenceKeyOf(home: string): Promise<EvidenceKey> {
  return openEvidenceKey(evidenceFolder(home))
}

/** Where what is kept of touched instances is. */
function evidenceFolder(home: string): string {
  return join(home, 'evidence')
}

function storeFile(home: string): string {
  return join(home, storeName)
}

/** Names a state folder to the engine: found again by the next controller, and different for every folder. */
export function ownerOf(home: string): string {
  return createHash('sha256').update(home).digest('hex').slice(0, 16)
}
