import { CoffreError } from '../../model/errors.ts'

/** What is remembered of a user's cache between runs. */
export interface CacheState {
  readonly names: 'plain' | 'hashed'
  /** Ids of the keys of format 1 that the user's entries were written under: what erasing needs to find them. */
  readonly sources: readonly string[]
  /** Began and has not ended. */
  readonly unfinished?: 'rekey' | 'migrate'
}

const NEW_STATE: CacheState = { names: 'plain', sources: [] }
/** Secrets that a user had one after the other; the oldest are forgotten first. */
const MAX_SOURCES = 16
const SOURCE = /^[A-Za-z0-9_-]{22}$/

export function formatState(state: CacheState): string {
  return JSON.stringify(state)
}

/** Throws STORE_DAMAGED for what Coffre did not write. */
export function parseState(text: string | undefined): CacheState {
  if (text === undefined) return NEW_STATE
  const state = readState(text)
  if (state === undefined) throw new CoffreError('STORE_DAMAGED', { facts: { record: 'users' } })
  return state
}

function readState(text: string): CacheState | undefined {
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value !== 'object' || value === null) return undefined
    const { names, sources, unfinished } = value as Readonly<Record<string, unknown>>
    if ((names !== 'plain' && names !== 'hashed') || !isSources(sources)) return undefined
    if (unfinished === undefined) return { names, sources }
    return unfinished === 'rekey' || unfinished === 'migrate' ? { names, sources, unfinished } : undefined
  } catch {
    return undefined
  }
}

function isSources(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((each) => typeof each === 'string' && SOURCE.test(each))
}

export function withSources(state: CacheState, ids: readonly string[]): CacheState {
  const sources = [...new Set([...state.sources, ...ids])].slice(-MAX_SOURCES)
  return { ...state, sources }
}

export function withoutUnfinished({ names, sources }: CacheState): CacheState {
  return { names, sources }
}
