import { Socket } from 'node:net'
import { type ClientContext, Redis, type Result } from 'iovalkey'
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

/** Each is one round trip and atomic, and is sent once on a connection: after that its hash names it. */
const SCRIPTS = {
  replaceIf: {
    numberOfKeys: 1,
    lua: `
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
if ARGV[3] == 'keep' then redis.call('SET', KEYS[1], ARGV[2], 'KEEPTTL')
else redis.call('SET', KEYS[1], ARGV[2], 'EX', ARGV[3]) end
return 1`,
  },
  removeIf: {
    numberOfKeys: 1,
    lua: `
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('DEL', KEYS[1])`,
  },
  // A set that never ended, and one that would end sooner, ends later now.
  addEnding: {
    numberOfKeys: 1,
    lua: `
local added = redis.call('SADD', KEYS[1], unpack(ARGV, 2))
if redis.call('TTL', KEYS[1]) < tonumber(ARGV[1]) then redis.call('EXPIRE', KEYS[1], ARGV[1]) end
return added`,
  },
  setOwned: {
    numberOfKeys: 2,
    lua: `
local added = redis.call('SADD', KEYS[2], KEYS[1])
if redis.call('TTL', KEYS[2]) < tonumber(ARGV[2]) then redis.call('EXPIRE', KEYS[2], ARGV[2]) end
local before = redis.call('GET', KEYS[1])
if before and added == 1 then return {0, before} end
redis.call('SET', KEYS[1], ARGV[1], 'EX', ARGV[2])
return {1, before}`,
  },
} as const

declare module 'iovalkey' {
  interface RedisCommander<Context extends ClientContext> {
    replaceIf(name: string, expected: Buffer, value: Buffer, ttl: string): Result<unknown, Context>
    removeIf(name: string, expected: Buffer): Result<unknown, Context>
    addEnding(set: string, ttl: string, ...members: readonly string[]): Result<number, Context>
    setOwned(name: string, set: string, value: Buffer, ttl: string): Result<unknown, Context>
  }
}

/** Valkey, or Redis from version 7 on. Binary safe; bounded in time and in what is under way. */
export class ValkeyCacheStore implements CacheStore {
  readonly #client: Redis
  #inFlight = 0
  #isGathering = false

  private constructor(client: Redis) {
    this.#client = client
    for (const [name, script] of Object.entries(SCRIPTS)) client.defineCommand(name, script)
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
    const answer = await this.#ask(() => this.#client.setOwned(name, set, bytes, String(ttlSeconds)))
    const [isSet, before]: unknown[] = Array.isArray(answer) ? answer : []
    return { isSet: isSet === 1, before: typeof before === 'string' ? before : undefined }
  }

  async replace(
    name: string,
    { expected, value }: { readonly expected: Uint8Array; readonly value: Uint8Array },
    ttlSeconds: number | 'keep',
  ): Promise<boolean> {
    const [before, after] = [Buffer.from(expected), Buffer.from(value)]
    return (await this.#ask(() => this.#client.replaceIf(name, before, after, String(ttlSeconds)))) === 1
  }

  async removeIf(name: string, expected: Uint8Array): Promise<boolean> {
    return (await this.#ask(() => this.#client.removeIf(name, Buffer.from(expected)))) === 1
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
    const pages = [...pagesOf(members)]
    const added = pages.map((page) =>
      this.#ask(() => this.#client.addEnding(set, String(ttlSeconds), ...page)),
    )
    return (await Promise.all(added)).reduce((sum, count) => sum + count, 0)
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
    this.#gather()
    try {
      return await command()
    } catch (cause) {
      throw unavailable(cause)
    } finally {
      this.#inFlight -= 1
    }
  }

  /** Commands of one turn of the event loop go out in one write. */
  #gather(): void {
    const { stream } = this.#client
    // There is none before the first connection, whatever the type says.
    if (this.#isGathering || !(stream instanceof Socket)) return
    this.#isGathering = true
    stream.cork()
    process.nextTick(() => {
      this.#isGathering = false
      stream.uncork()
    })
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
