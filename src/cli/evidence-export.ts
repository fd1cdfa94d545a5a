/** `repave evidence export DIGEST -o FILE`: the bundle as it is kept, or with the key all of it in the clear. */
import { createHash } from 'node:crypto'
import { open } from 'node:fs/promises'
import { RepaveError } from '../errors.ts'
import { archive, type FoundPart, openBundle, readArchive, secretsName } from '../evidence/bundle.ts'
import { decryptWith, identityIn } from '../evidence/secrets.ts'
import { errorCode } from '../system/error-code.ts'
import { fileFailure } from '../system/file-failure.ts'
import { readTextFile } from '../system/read-file.ts'
import { connect } from './connect.ts'
import { bundleOf, namedEvidence } from './evidence.ts'
import { exitDone } from './exit.ts'
import type { Session } from './session.ts'

export interface EvidenceExportOptions {
  readonly output: string
  /** The file of an age identity. */
  readonly key?: string
}

const maxKeyBytes = 64 * 1024

export async function evidenceExport(
  session: Session,
  digest: string,
  { output, key }: EvidenceExportOptions,
): Promise<number> {
  const identity = key === undefined ? undefined : await readIdentity(key)
  const client = await connect(session)
  const report = await namedEvidence(client, digest)
  const bundle = await bundleOf(client, report.digest)
  assertWhole(bundle, report.digest)
  await writeNew(output, identity === undefined ? bundle : await inTheClear(bundle, identity))
  const isDecrypted = identity !== undefined
  if (session.json) session.terminal.printJson({ ok: true, digest: report.digest, file: output, isDecrypted })
  else session.terminal.print([`${report.digest}: ${output}${isDecrypted ? ', secrets in the clear' : ''}`])
  return exitDone
}

function assertWhole(bundle: Buffer, digest: string): void {
  if (`sha256:${createHash('sha256').update(bundle).digest('hex')}` === digest) return
  throw new RepaveError('EVIDENCE_INVALID', `what came is not ${digest}`, { hint: 'run the command again' })
}

async function inTheClear(bundle: Buffer, identity: string): Promise<Buffer> {
  const { first, files } = await openBundle(bundle)
  const secrets = files.find(({ name }) => name === secretsName)
  const secret: readonly FoundPart[] = secrets ? await readArchive(await decryptWith(identity, secrets.content)) : []
  return archive([first, ...files.filter((file) => file !== secrets), ...secret])
}

async function readIdentity(file: string): Promise<string> {
  const hint = 'name the file of an age identity: `repave evidence key` says where it is'
  const identity = identityIn(await readTextFile(file, maxKeyBytes, hint))
  if (identity !== undefined) return identity
  throw new RepaveError('FILE_INVALID', `${file} holds no age identity`, { hint, at: { file } })
}

/** For its owner alone: it may hold secrets. */
async function writeNew(file: string, content: Buffer): Promise<void> {
  try {
    await using handle = await open(file, 'wx', 0o600)
    await handle.writeFile(content)
  } catch (error) {
    if (errorCode(error) !== 'EEXIST') throw fileFailure(file, error)
    throw new RepaveError('FILE_UNWRITABLE', `${file} exists already`, {
      hint: 'name a file that does not',
      at: { file },
    })
  }
}
