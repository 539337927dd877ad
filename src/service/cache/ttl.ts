import type { TtlByType } from '../../model/cache.ts'
import { type CacheType, parseCacheType } from '../../model/cache-name.ts'
import { CoffreError } from '../../model/errors.ts'

/** docs/spec/cache.md, "Bounds": a year. */
const MAX_TTL_SECONDS = 31_536_000
const DEFAULT_TTL_SECONDS = 86_400
/** A century: any age, for whoever reads what was left for years. */
const MAX_AGE_SECONDS = 3_153_600_000

/** Throws INVALID_REQUEST for what is no time to live. 0 is none either: it means that nothing is stored. */
function parseTtl(seconds: number): number {
  if (Number.isInteger(seconds) && seconds >= 1 && seconds <= MAX_TTL_SECONDS) return seconds
  throw new CoffreError('INVALID_REQUEST', {
    facts: { at: 'ttl', expected: `whole seconds, 0 to ${MAX_TTL_SECONDS}` },
  })
}

/** How old an entry may be that is read. Throws INVALID_REQUEST. */
export function parseAge(seconds: number): number {
  if (Number.isInteger(seconds) && seconds >= 1 && seconds <= MAX_AGE_SECONDS) return seconds
  throw new CoffreError('INVALID_REQUEST', {
    facts: { at: 'ttlSeconds', expected: `whole seconds, 1 to ${MAX_AGE_SECONDS}` },
  })
}

/** How long entries live for which nobody says it. */
export class TimesToLive {
  readonly #seconds: number
  readonly #byType: ReadonlyMap<string, number>

  /** Throws INVALID_REQUEST. */
  constructor(seconds: number = DEFAULT_TTL_SECONDS, byType: TtlByType = {}) {
    this.#seconds = parseTtl(seconds)
    this.#byType = new Map(
      Object.entries(byType).map(([type, each]) => [parseCacheType(type), parseTtl(each)]),
    )
  }

  /** Of data that is not personal, the type is absent. */
  of(type: CacheType | undefined): number {
    return this.#byType.get(type ?? '') ?? this.#seconds
  }

  /** As a write asks for it: 0 stores nothing. Throws INVALID_REQUEST. */
  read(asked: number | undefined, type?: CacheType): number {
    return asked === 0 ? 0 : parseTtl(asked ?? this.of(type))
  }
}
