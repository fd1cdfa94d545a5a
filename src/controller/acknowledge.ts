/** `acknowledge`: somebody has looked at what was touched, and the controller goes on as usual. */
import type { AcknowledgeReport } from '../model/report.ts'
import type { AcknowledgeRequest } from './commands.ts'
import type { Desk } from './desk.ts'

export async function acknowledge(desk: Desk, request: AcknowledgeRequest): Promise<AcknowledgeReport> {
  const { stack, environment, service, by, reason } = request
  const { fleets } = desk.known(request)
  const concerned = fleets.filter(({ key }) => service === undefined || key.service === service)
  if (service !== undefined && concerned.length === 0) throw desk.unknownService(request, service)
  const { loop } = desk
  const escalated = concerned.flatMap(({ key }) => (loop.taints.escalation(key) ? [key.service] : []))
  const isSuspect = service === undefined && loop.taints.suspicion !== undefined
  if (escalated.length === 0 && !isSuspect) return { ok: true, changed: false, escalated: [], replaced: [] }
  const subject = { stack, environment, ...(service !== undefined && { service }) }
  const replaced = await loop.acknowledge({ ...subject, by, message: reason })
  return { ok: true, changed: true, escalated, replaced }
}
