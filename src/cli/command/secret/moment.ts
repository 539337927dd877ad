import type { OptionRow } from '../../command-row.ts'
import type { Invocation } from '../../invocation.ts'
import { UsageError } from '../../usage-error.ts'

const HOUR_MILLISECONDS = 3_600_000

export const AT: OptionRow = { flags: '--at <moment>', help: 'option.checkAt' }

/** Milliseconds since 1970; `undefined` without the option. */
export function readAt({ options }: Invocation): number | undefined {
  const text = options.text('at')
  return text === undefined ? undefined : readMoment(text)
}

/** A date as ISO 8601 writes it, or so many hours or days from now: `+25h`, `+182d`. */
function readMoment(text: string): number {
  const { count, unit } = /^\+(?<count>\d{1,6})(?<unit>[hd])$/.exec(text)?.groups ?? {}
  if (count !== undefined) return Date.now() + Number(count) * (unit === 'd' ? 24 : 1) * HOUR_MILLISECONDS
  const moment = /^\d{4}-\d{2}-\d{2}(?:T[\d:.]+(?:Z|[+-]\d{2}:\d{2}))?$/.test(text)
    ? Date.parse(text)
    : Number.NaN
  if (Number.isNaN(moment)) throw UsageError.of('usage.moment', { name: '--at' })
  return moment
}
