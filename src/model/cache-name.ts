import { CoffreError } from './errors.ts'

/** What a cache holds of a day. */
export const DAILY_TYPES = [
  'consumption:daily',
  'production:daily',
  'consumption:detail:daily',
  'production:detail:daily',
] as const
const SINGLE_TYPES = ['contract', 'address', 'consumption:reading_type'] as const
/** Names of docs/spec/cache.md begin with these, and with no others. */
export const CACHE_TYPES = [...DAILY_TYPES, ...SINGLE_TYPES] as const

export type DailyType = (typeof DAILY_TYPES)[number]
export type CacheType = (typeof CACHE_TYPES)[number]

export interface CacheName {
  readonly type: CacheType
  /** Point de livraison: the 14 digits of a meter. */
  readonly pdl: string
  /** Only of the daily types. */
  readonly date?: string
}

/** Ten years and a day, which is more than any meter answers for. */
const MAX_RANGE_DAYS = 3_654
const DAY_MS = 86_400_000
const MAX_NAME_CHARACTERS = 256

const PDL = /^\d{14}$/
const DATE = /^\d{4}-\d{2}-\d{2}$/
const USER = /^[A-Za-z0-9][A-Za-z0-9_.@-]{0,127}$/
/** Printable ASCII, in parts between colons. */
const RAW_NAME = /^[A-Za-z0-9_-]+(:[A-Za-z0-9_.@-]+)*$/
/** First parts that personal data, and Coffre itself, have for themselves. */
const RESERVED = new Set(['consumption', 'production', 'contract', 'address', 'coffre'])

function refuse(at: string, expected: string): never {
  throw new CoffreError('INVALID_REQUEST', { facts: { at, expected } })
}

export function isDailyType(type: string): type is DailyType {
  return DAILY_TYPES.some((daily) => daily === type)
}

export function parseCacheType(text: string): CacheType {
  return CACHE_TYPES.find((type) => type === text) ?? refuse('type', CACHE_TYPES.join(', '))
}

export function parseDailyType(text: string): DailyType {
  return isDailyType(text) ? text : refuse('type', DAILY_TYPES.join(', '))
}

export function parsePdl(text: string): string {
  return typeof text === 'string' && PDL.test(text) ? text : refuse('pdl', '14 digits')
}

/** A day that exists. */
export function parseDate(text: string): string {
  return dayOf(text) === undefined ? refuse('date', 'a day that exists, such as 2024-01-15') : text
}

/** Midnight in UTC. `Date.parse` gives the day after for 31 April, so the way back must lead to the same text. */
function dayOf(text: string): number | undefined {
  if (typeof text !== 'string' || !DATE.test(text)) return undefined
  const at = Date.parse(`${text}T00:00:00Z`)
  return Number.isNaN(at) || formatDay(at) !== text ? undefined : at
}

function formatDay(at: number): string {
  return new Date(at).toISOString().slice(0, 10)
}

/** Both ends included. */
export function daysBetween(from: string, to: string): readonly string[] {
  const [first, last] = [dayOf(parseDate(from)) ?? 0, dayOf(parseDate(to)) ?? 0]
  const days = (last - first) / DAY_MS + 1
  if (days < 1) refuse('to', 'not before the first day')
  if (days > MAX_RANGE_DAYS) {
    throw new CoffreError('LIMIT_EXCEEDED', { facts: { at: 'days', most: MAX_RANGE_DAYS } })
  }
  return Array.from({ length: days }, (_, index) => formatDay(first + index * DAY_MS))
}

/** Reads a name such as `consumption:daily:12345678901234:2024-01-15`. Throws INVALID_REQUEST. */
export function parseCacheName(text: string): CacheName {
  const name =
    typeof text === 'string' && text.length <= MAX_NAME_CHARACTERS ? readCacheName(text) : undefined
  if (name === undefined) return refuse('key', '<type>:<pdl>, and :<date> for days')
  parsePdl(name.pdl)
  if (name.date !== undefined) parseDate(name.date)
  return name
}

/** As `parseCacheName`, and `undefined` for what is none. */
export function findCacheName(text: string): CacheName | undefined {
  const name = readCacheName(text)
  const isRight =
    name !== undefined && PDL.test(name.pdl) && (name.date === undefined || dayOf(name.date) !== undefined)
  return isRight ? name : undefined
}

function readCacheName(text: string): CacheName | undefined {
  const type = CACHE_TYPES.find((each) => text.startsWith(`${each}:`))
  if (type === undefined) return undefined
  const [pdl = '', date, ...rest] = text.slice(type.length + 1).split(':')
  if (rest.length > 0 || isDailyType(type) !== (date !== undefined)) return undefined
  return { type, pdl, ...(date === undefined ? {} : { date }) }
}

export function formatCacheName({ type, pdl, date }: CacheName): string {
  return date === undefined ? `${type}:${pdl}` : `${type}:${pdl}:${date}`
}

/** For data that is no secret. Throws INVALID_REQUEST for every name that personal data could have. */
export function parseRawName(text: string): string {
  const isName = typeof text === 'string' && text.length <= MAX_NAME_CHARACTERS && RAW_NAME.test(text)
  if (!isName) return refuse('key', 'letters, digits and _ - in parts between colons, at most 256')
  const [first = ''] = text.split(':')
  if (RESERVED.has(first.toLowerCase())) {
    return refuse('key', 'no name of personal data: these are stored encrypted only')
  }
  return text
}

export function parseCacheUser(text: string): string {
  return typeof text === 'string' && USER.test(text)
    ? text
    : refuse('user', '1 to 128 of A-Z a-z 0-9 _ . @ -, starting with a letter or digit')
}
