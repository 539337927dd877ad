import { Cron } from 'croner'
import { type Instant, toInstant } from '../../../model/clock.ts'
import { CoffreError } from '../../../model/errors.ts'

/** Beyond so many the count says no more; a minute's schedule reaches it in a day. */
const MAX_COUNTED = 1_440

/** Moments of a schedule that are over. */
export interface DueSlots {
  readonly newest: Instant
  /** The one before, where more than one is due. */
  readonly before?: Instant
  readonly count: number
}

/** Five fields in a time zone. Where clocks go back a fixed time comes once, and where they go forward it comes after the gap. */
export class CronSchedule {
  readonly #cron: Cron

  /** Throws CONFIG_REFUSED, also for what never comes. */
  constructor(cron: string, timeZone: string) {
    try {
      this.#cron = new Cron(cron, { mode: '5-part', timezone: timeZone, paused: true })
      this.next(toInstant(0))
    } catch (error) {
      const expected = 'five fields of cron that come to pass, and a time zone such as Europe/Paris'
      throw new CoffreError('CONFIG_REFUSED', { facts: { at: 'cron', expected }, cause: error })
    }
  }

  /** The first moment after this one. */
  next(after: Instant): Instant {
    const next = this.#cron.nextRun(new Date(after))
    if (next === null) throw new RangeError('it never comes')
    return toInstant(next.getTime())
  }

  /** After `after`, and not after `until`. */
  due(after: Instant, until: Instant): DueSlots | undefined {
    let [newest, before]: [Instant | undefined, Instant | undefined] = [undefined, undefined]
    let count = 0
    for (let at = this.next(after); at <= until && count < MAX_COUNTED; at = this.next(at)) {
      ;[newest, before] = [at, newest]
      count += 1
    }
    if (newest === undefined) return undefined
    if (count === MAX_COUNTED) [newest, before] = this.#lastTwo(until)
    return { newest, ...(before === undefined ? {} : { before }), count }
  }

  #lastTwo(until: Instant): [Instant, Instant | undefined] {
    // What it finds lies before the moment that it is given.
    const [newest, before] = this.#cron.previousRuns(2, new Date(until + 1_000))
    if (newest === undefined) throw new Error('unreachable: some were counted')
    return [toInstant(newest.getTime()), before === undefined ? undefined : toInstant(before.getTime())]
  }
}
