import type {
  CacheResult,
  CacheSpace,
  CacheSpaceOptions,
  CacheStatus,
  CacheWalk,
  CoffreCache,
  DatedResult,
  EraseReceipt,
  ListedEntry,
  UserCacheStatus,
} from '../model/cache.ts'
import { formatCacheName, parseCacheName, parseDailyType, parsePdl } from '../model/cache-name.ts'
import { CoffreError } from '../model/errors.ts'
import { parseClientId } from '../model/ids.ts'
import { JsonText } from '../model/json-text.ts'
import { Secret } from '../model/secret.ts'
import { CACHE_FORMAT_HEADER, CACHE_WRITTEN_HEADER } from '../model/wire.ts'
import { type AnswerShape, parseAnswer, parseList, RECEIPT_SHAPE, strangeAnswer } from './answer-shape.ts'
import { type BasicCredential, type Call, type Connection, WALK_TIMEOUT_MS } from './connection.ts'
import { formatQuery } from './remote-keys.ts'
import { revealText } from './remote-users.ts'

const STORED_SHAPE: AnswerShape<{ readonly stored: boolean }> = { stored: 'boolean' }
const DELETED_SHAPE: AnswerShape<{ readonly deleted: boolean }> = { deleted: 'boolean' }
const PURGED_SHAPE: AnswerShape<{ readonly dryRun: boolean; readonly names: readonly string[] }> = {
  dryRun: 'boolean',
  names: 'list',
}
const LISTED_SHAPE: AnswerShape<ListedEntry> = {
  name: 'string',
  status: 'string',
  format: 'number',
  storedBytes: 'number',
}
const WALK_SHAPE: AnswerShape<CacheWalk> = {
  dryRun: 'boolean',
  done: 'number',
  already: 'number',
  kept: 'number',
  tampered: 'number',
}
const STATUS_SHAPE: AnswerShape<UserCacheStatus> = {
  user: 'string',
  hasKey: 'boolean',
  underSecret: 'boolean',
  names: 'string',
  entries: 'number',
}
interface WrittenDay {
  readonly date: string
  readonly status: string
  readonly text?: unknown
  readonly writtenAt?: unknown
  readonly format?: unknown
}
const DAY_SHAPE: AnswerShape<WrittenDay> = { date: 'string', status: 'string' }
const MISSED = ['MISS', 'EXPIRED', 'WRONG_KEY', 'TAMPERED', 'NOT_JSON', 'UNAVAILABLE'] as const

export function remoteCache(connection: Connection): CoffreCache {
  return { for: (user, options = {}) => new RemoteSpace(connection, user, options) }
}

/**
 * A user's entries through a server. With the user's secret single entries are asked for as the user, by HTTP Basic; all
 * else is asked with the token of the connection.
 */
class RemoteSpace implements CacheSpace {
  readonly #connection: Connection
  readonly #user: string | undefined
  readonly #options: CacheSpaceOptions
  readonly #secret: Secret | undefined

  constructor(connection: Connection, user: string | undefined, options: CacheSpaceOptions) {
    this.#connection = connection
    // Parsing keeps it from leaving its place in the path.
    this.#user = user === undefined ? undefined : parseClientId(user)
    this.#options = options
    const { secret } = options
    this.#secret = secret === undefined ? undefined : new Secret(revealText(secret))
  }

  async set(key: string, value: unknown, ttl?: number): Promise<boolean> {
    const { hashedNames } = this.#options
    const query = { ttl, names: hashedNames === true ? 'hashed' : undefined }
    const body = value instanceof JsonText ? { bodyText: value.text } : { body: value }
    try {
      const answer = await this.#single({ method: 'PUT', path: entryPath(key), ...body }, query)
      return parseAnswer<{ readonly stored: boolean }>(readJson(answer.text), STORED_SHAPE).stored
    } catch (error) {
      if (statusOf(error) === 'UNAVAILABLE') return false
      throw error
    }
  }

  async get(key: string): Promise<unknown> {
    const result = await this.lookup(key)
    return result.status === 'HIT' ? result.value : null
  }

  async lookup(key: string): Promise<CacheResult> {
    try {
      const { text, headers } = await this.#single({ method: 'GET', path: entryPath(key) }, {})
      return hit(text, headers.get(CACHE_WRITTEN_HEADER), Number(headers.get(CACHE_FORMAT_HEADER)))
    } catch (error) {
      const status = statusOf(error)
      if (status === undefined) throw error
      return { status }
    }
  }

  async getRange(range: Parameters<CacheSpace['getRange']>[0]): Promise<readonly DatedResult[]> {
    const { from, to } = range
    const path = `/${encodeURIComponent(parseDailyType(range.type))}/${parsePdl(range.pdl)}`
    const answer = await this.#single({ method: 'GET', path }, { from, to, values: 'text' })
    return parseList<WrittenDay>(readJson(answer.text), 'days', DAY_SHAPE).map(readDay)
  }

  async delete(key: string): Promise<boolean> {
    try {
      const { text } = await this.#single({ method: 'DELETE', path: entryPath(key) }, {})
      return parseAnswer<{ readonly deleted: boolean }>(readJson(text), DELETED_SHAPE).deleted
    } catch (error) {
      if (statusOf(error) === 'UNAVAILABLE') return false
      throw error
    }
  }

  async list(...[selection = {}]: Parameters<CacheSpace['list']>): Promise<readonly ListedEntry[]> {
    const body = { ...selection, ...this.#secretField() }
    const call: Call = { method: 'POST', path: `${this.#named('me')}/list`, body }
    const answer = await this.#connection.send({ ...call, timeoutMilliseconds: WALK_TIMEOUT_MS })
    return parseList<ListedEntry>(answer, 'entries', LISTED_SHAPE)
  }

  async purge(...[selection = {}, options = {}]: Parameters<CacheSpace['purge']>) {
    const body = { ...selection, dryRun: options.dryRun === true }
    return this.#work('purge', body, PURGED_SHAPE)
  }

  async rekey(...[oldSecret, newSecret]: Parameters<CacheSpace['rekey']>): Promise<CacheWalk> {
    const body = { oldSecret: revealText(oldSecret), newSecret: revealText(newSecret) }
    return this.#ask({ method: 'POST', path: `${this.#named('me')}/rekey`, body }, WALK_SHAPE)
  }

  async migrate(...[to, secret, options = {}]: Parameters<CacheSpace['migrate']>): Promise<CacheWalk> {
    const body = { to, clientSecret: revealText(secret), dryRun: options.dryRun === true }
    return this.#ask({ method: 'POST', path: `${this.#named('me')}/migrate`, body }, WALK_SHAPE)
  }

  async erase(): Promise<EraseReceipt> {
    return this.#work('erase', {}, RECEIPT_SHAPE)
  }

  async status(): Promise<UserCacheStatus> {
    return this.#ask({ method: 'GET', path: this.#named('me') }, STATUS_SHAPE)
  }

  /** With the secret in the body, where only an administrator may send one. */
  async #work<Answer>(verb: string, body: object, shape: AnswerShape<Answer>): Promise<Answer> {
    const path = `${this.#named('me')}/${verb}`
    return this.#ask({ method: 'POST', path, body: { ...body, ...this.#secretField() } }, shape)
  }

  #secretField(): { readonly clientSecret?: string } {
    const clientSecret = this.#secret?.reveal()
    return clientSecret === undefined ? {} : { clientSecret }
  }

  async #ask<Answer>(call: Call, shape: AnswerShape<Answer>): Promise<Answer> {
    const timeoutMilliseconds = WALK_TIMEOUT_MS
    return parseAnswer<Answer>(await this.#connection.send({ ...call, timeoutMilliseconds }), shape)
  }

  async #single(call: Call, query: Readonly<Record<string, string | number | undefined>>) {
    const format = this.#options.format === 1 ? '1' : undefined
    const asked = formatQuery({ ...query, format })
    const credential = await this.#credential()
    const prefix = credential !== undefined || this.#user === undefined ? '/cache' : this.#named('me')
    return this.#connection.exchange({
      ...call,
      path: prefix + call.path + asked,
      ...(credential === undefined ? {} : { credential }),
    })
  }

  #named(own: string): string {
    return `/users/${this.#user ?? own}/cache`
  }

  async #credential(): Promise<BasicCredential | undefined> {
    const secret = this.#secret
    if (secret === undefined) return undefined
    if (this.#user !== undefined) return { name: this.#user, secret }
    const me = await this.#connection.send({ method: 'GET', path: '/users/me' })
    return { name: parseAnswer<{ readonly id: string }>(me, { id: 'string' }).id, secret }
  }
}

/** Throws INVALID_REQUEST before anything is sent. */
function entryPath(key: string): string {
  return `/${encodeURIComponent(formatCacheName(parseCacheName(key)))}`
}

/** The status of a lookup that the server answered with an error, which also says it. */
function statusOf(error: unknown): Exclude<CacheStatus, 'HIT'> | undefined {
  if (!(error instanceof CoffreError) || !error.code.startsWith('CACHE_')) return undefined
  if (error.code === 'CACHE_UNAVAILABLE') return 'UNAVAILABLE'
  return MISSED.find((status) => status === error.facts['status'])
}

function readDay({ date, status, text, writtenAt, format }: WrittenDay): DatedResult {
  if (status === 'HIT') {
    if (typeof text !== 'string' || typeof writtenAt !== 'string') throw strangeAnswer('days')
    return { date, ...hit(text, writtenAt, format) }
  }
  const missed = MISSED.find((each) => each === status)
  if (missed === undefined) throw strangeAnswer('status')
  return { date, status: missed }
}

function hit(text: string, writtenAt: string | null, format: unknown): CacheResult {
  if (writtenAt === null || (format !== 1 && format !== 2)) throw strangeAnswer('format')
  return { status: 'HIT', value: readJson(text), bytes: new TextEncoder().encode(text), writtenAt, format }
}

function readJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw strangeAnswer('body')
  }
}
