/** What an acknowledgement has brought about, for people. Pure. */
import type { AcknowledgeReport } from '../../model/report.ts'

export function renderAcknowledged({ changed, escalated, replaced }: AcknowledgeReport): readonly string[] {
  if (!changed) return ['nothing waited for it']
  return [
    ...(escalated.length > 0 ? [`not held any longer: ${escalated.join(', ')}`] : []),
    ...(replaced.length > 0 ? [`replaced, a few at a time: ${replaced.join(', ')}`] : []),
  ]
}
