/** What happens to one fleet in simulated time, gathered into a point for each moment. */
import type { TimelineEvent, TimelinePoint } from '../model/report.ts'
import type { VersionId } from '../model/version.ts'
import { countedEvent, type CountedKind } from './timeline-words.ts'

interface Counted {
  readonly kind: CountedKind
  readonly version: VersionId
  count: number
}

export class TimelineLog {
  readonly points: TimelinePoint[] = []
  #moment: (TimelineEvent | Counted)[] = []

  note(event: TimelineEvent): void {
    this.#moment.push(event)
  }

  /** One more instance of `version`; one that is ready at once did not stand by. */
  count(kind: CountedKind, version: VersionId): void {
    this.#add(kind, version, 1)
    if (kind === 'ready') this.#add('standby', version, -1)
  }

  /** The moment is over; `figures` says how things stand after it. */
  close(atMs: number, figures: () => Pick<TimelinePoint, 'ready' | 'versions'>): void {
    const events = this.#moment.filter((each) => !('count' in each) || each.count > 0).map(eventOf)
    this.#moment = []
    if (events.length > 0 || this.points.length === 0) this.points.push({ atMs, events, ...figures() })
  }

  #add(kind: CountedKind, version: VersionId, change: number): void {
    const counted = this.#moment.find((each) => 'count' in each && each.kind === kind && each.version === version)
    if (counted && 'count' in counted) counted.count += change
    else this.#moment.push({ kind, version, count: change })
  }
}

function eventOf(each: TimelineEvent | Counted): TimelineEvent {
  return 'count' in each ? countedEvent(each.kind, each.version, each.count) : each
}
