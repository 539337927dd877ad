import { Redis } from 'iovalkey'
import { CoffreError } from '../../model/errors.ts'
import type { CacheStore } from '../cache-store.ts'
import type { ValkeyAddress } from './valkey-url.ts'

export interface ValkeyOptions {
  /** How long a command may take before it counts as failed. */
  readonly timeoutMs?: number
  /** PEM of the CA of a server with TLS; the system's when absent. */
  readonly ca?: string
}

const DEFAULT_TIMEOUT_MS = 2_000
const MAX_RECONNECT_DELAY_MS = 2_000
/** Names in one page of a scan, and commands on their way at once in a long one. */
const PAGE = 1_000
/** With 1 MiB values at most, this bounds what a silent server can make us hold. */
const MAX_IN_FLIGHT = 10_000

// Only the first command of a script names what it needs, so each is one round trip and atomic.
const REPLACE = `
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
if ARGV[3] == 'keep' then redis.call('SET', KEYS[1], ARGV[2], 'KEEPTTL')
else redis.call('SET', KEYS[1], ARGV[2], 'EX', ARGV[3]) end
return 1`
const SET_OWNED = `
local added = redis.call('SADD', KEYS[2], KEYS[1])
redis.call('EXPIRE', KEYS[2], ARGV[2], 'NX')
redis.call('EXPIRE', KEYS[2], ARGV[2], 'GT')
local before = redis.call('GET', KEYS[1])
if before and added == 1 then return {0, before} end
redis.call('SET', KEYS[1], ARGV[1], 'EX', ARGV[2])
return {1, before}`
const REMOVE_IF = `
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('DEL', KEYS[1])`

/** Valkey, or Redis from version 7 on. Binary safe; bounded in time and in what is under way. */
export class ValkeyCacheStore implements CacheStore {
  readonly #client: Redis
  #inFlight = 0

  private constructor(client: Redis) {
    this.#client = client
  }

  /** A server that is down is no error here: it is looked for in the background, and commands throw until it is there. */
  static async open(address: ValkeyAddress, options: ValkeyOptions = {}): Promise<ValkeyCacheStore> {
    const client = new Redis(clientOptions(address, options))
    // Every failed command is reported by itself; an event without a listener would end the process.
    client.on('error', () => undefined)
    const store = new ValkeyCacheStore(client)
    await client.connect().catch(() => undefined)
    return store
  }

  async get(name: string): Promise<Uint8Array | undefined> {
    return (await this.#ask(() => this.#client.getBuffer(name))) ?? undefined
  }

  async getMany(names: readonly string[]): Promise<(Uint8Array | undefined)[]> {
    if (names.length === 0) return []
    const values = await this.#ask(() => this.#client.mgetBuffer([...names]))
    return values.map((value) => value ?? undefined)
  }

  async set(name: string, value: Uint8Array, ttlSeconds: number): Promise<void> {
    await this.#ask(() => this.#client.set(name, Buffer.from(value), 'EX', ttlSeconds))
  }

  async setIfAbsent(name: string, value: Uint8Array, ttlSeconds: number): Promise<boolean> {
    const done = await this.#ask(() => this.#client.set(name, Buffer.from(value), 'EX', ttlSeconds, 'NX'))
    return done !== null
  }

  async setOwned(
    name: string,
    value: Uint8Array,
    { set, ttlSeconds }: { readonly set: string; readonly ttlSeconds: number },
  ): Promise<{ readonly isSet: boolean; readonly before: string | undefined }> {
    const bytes = Buffer.from(value)
    const answer = await this.#ask(() =>
      this.#client.eval(SET_OWNED, 2, name, set, bytes, String(ttlSeconds)),
    )
    const [isSet, before]: unknown[] = Array.isArray(answer) ? answer : []
    return { isSet: isSet === 1, before: typeof before === 'string' ? before : undefined }
  }

  async replace(
    name: string,
    { expected, value }: { readonly expected: Uint8Array; readonly value: Uint8Array },
    ttlSeconds: number | 'keep',
  ): Promise<boolean> {
    const bytes = [Buffer.from(expected), Buffer.from(value)]
    return (await this.#ask(() => this.#client.eval(REPLACE, 1, name, ...bytes, String(ttlSeconds)))) === 1
  }

  async removeIf(name: string, expected: Uint8Array): Promise<boolean> {
    return (await this.#ask(() => this.#client.eval(REMOVE_IF, 1, name, Buffer.from(expected)))) === 1
  }

  async delete(names: readonly string[]): Promise<number> {
    let deleted = 0
    for (const page of pagesOf(names)) deleted += await this.#ask(() => this.#client.unlink([...page]))
    return deleted
  }

  async ttlSeconds(name: string): Promise<number | undefined> {
    const milliseconds = await this.#ask(() => this.#client.pttl(name))
    return milliseconds < 0 ? undefined : Math.max(1, Math.ceil(milliseconds / 1_000))
  }

  async *scan(prefix: string): AsyncGenerator<readonly string[]> {
    const pattern = `${escapePattern(prefix)}*`
    let cursor = '0'
    do {
      const at = cursor
      const [next, names] = await this.#ask(() => this.#client.scan(at, 'MATCH', pattern, 'COUNT', PAGE))
      if (names.length > 0) yield names
      cursor = next
    } while (cursor !== '0')
  }

  async addToSet(set: string, members: readonly string[], ttlSeconds: number): Promise<number> {
    const added = [...pagesOf(members)].map((page) => this.#ask(() => this.#client.sadd(set, [...page])))
    // NX: for a set that never ended; GT: never sooner than before.
    const ends = [
      this.#ask(() => this.#client.expire(set, ttlSeconds, 'NX')),
      this.#ask(() => this.#client.expire(set, ttlSeconds, 'GT')),
    ]
    const [counts] = await Promise.all([Promise.all(added), Promise.all(ends)])
    return counts.reduce((sum, count) => sum + count, 0)
  }

  async removeFromSet(set: string, members: readonly string[]): Promise<void> {
    for (const page of pagesOf(members)) await this.#ask(() => this.#client.srem(set, [...page]))
  }

  async isInSet(set: string, member: string): Promise<boolean> {
    return (await this.#ask(() => this.#client.sismember(set, member))) === 1
  }

  async *scanSet(set: string): AsyncGenerator<readonly string[]> {
    let cursor = '0'
    do {
      const at = cursor
      const [next, members] = await this.#ask(() => this.#client.sscan(set, at, 'COUNT', PAGE))
      if (members.length > 0) yield members
      cursor = next
    } while (cursor !== '0')
  }

  async close(): Promise<void> {
    this.#client.disconnect()
  }

  /** A server's own refusal (no memory, no permission) counts as much as silence: the cache did not do its work. */
  async #ask<Answer>(command: () => Promise<Answer>): Promise<Answer> {
    if (this.#inFlight >= MAX_IN_FLIGHT) throw unavailable('too much is under way')
    this.#inFlight += 1
    try {
      return await command()
    } catch (cause) {
      throw unavailable(cause)
    } finally {
      this.#inFlight -= 1
    }
  }
}

function clientOptions(address: ValkeyAddress, { timeoutMs = DEFAULT_TIMEOUT_MS, ca }: ValkeyOptions) {
  return {
    host: address.host,
    port: address.port,
    db: address.database,
    ...(address.user === undefined ? {} : { username: address.user }),
    ...(address.password === undefined ? {} : { password: address.password }),
    ...(address.tls ? { tls: ca === undefined ? {} : { ca } } : {}),
    connectionName: 'coffre',
    lazyConnect: true,
    connectTimeout: timeoutMs,
    commandTimeout: timeoutMs,
    // Of a server that is silent the connection goes, with all commands that wait on it.
    socketTimeout: timeoutMs,
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
    enableAutoPipelining: true,
    retryStrategy: (attempts: number) => Math.min(50 * 2 ** Math.min(attempts, 10), MAX_RECONNECT_DELAY_MS),
  }
}

/** Of a server's refusal only its first word (OOM, NOPERM): the rest may repeat arguments, and so does the error itself. */
function unavailable(cause: unknown): CoffreError {
  const text = cause instanceof Error ? cause.message : String(cause)
  return new CoffreError('CACHE_UNAVAILABLE', { cause: /^[A-Z]{2,}\b/.exec(text)?.[0] ?? text })
}

function escapePattern(text: string): string {
  return text.replaceAll(/[\\*?[\]^]/g, String.raw`\$&`)
}

function* pagesOf<Item>(items: readonly Item[]): Generator<readonly Item[]> {
  for (let at = 0; at < items.length; at += PAGE) yield items.slice(at, at + PAGE)
}
