/** `repave evidence show DIGEST`: what the readable parts of a bundle tell. */
import { z } from 'zod'
import { openBundle } from '../evidence/bundle.ts'
import { connect } from './connect.ts'
import { bundleOf, namedEvidence } from './evidence.ts'
import { exitDone } from './exit.ts'
import { renderEvidence } from './render/evidence.ts'
import type { Session } from './session.ts'

export async function evidenceShow(session: Session, digest: string): Promise<number> {
  const { terminal, json } = session
  const client = await connect(session)
  const report = await namedEvidence(client, digest)
  const { manifest, files } = await openBundle(await bundleOf(client, report.digest))
  const read = <T>(name: string, schema: z.ZodType<T>): T | null => {
    const file = files.find((each) => each.name === name)
    return file ? (schema.safeParse(parsed(file.content)).data ?? null) : null
  }
  const shown = {
    ...report,
    recipient: manifest.recipient,
    parts: manifest.parts,
    processes: read('processes.json', processes),
    sockets: read('sockets.json', sockets)?.sockets ?? null,
    changes: read('changes.json', changes)?.files ?? null,
  }
  if (json) terminal.printJson(shown)
  else terminal.print(renderEvidence(shown, terminal.style))
  return exitDone
}

/** An instance's own words are in it: nothing is taken for granted. */
const number = z.union([z.number(), z.string()])
const processes = z.array(
  z.looseObject({ pid: number, name: z.string().exactOptional(), executable: z.string().nullable().exactOptional() }),
)
const sockets = z.looseObject({
  sockets: z.array(z.looseObject({ protocol: z.string(), local: z.string(), remote: z.string(), state: z.string() })),
})
const changes = z.looseObject({ files: z.array(z.looseObject({ path: z.string(), change: z.string() })) })

function parsed(content: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(content).toString('utf8'))
  } catch {
    return undefined
  }
}
