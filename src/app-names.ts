import { DEFAULT_TENANT, parseKeyName } from './model/ids.ts'
import type { Secret } from './model/secret.ts'
import type { ReadStore } from './store/store.ts'

/** Names that a shell completes. */
export interface NameSource {
  /** Ordered; `after` is exclusive. */
  listKeys(query: { readonly after?: string; readonly limit: number }): Promise<readonly string[]>
  /** `undefined` where there is no such key. */
  findVersions(key: string): Promise<readonly number[] | undefined>
  listTokens(): Promise<readonly string[]>
  listPolicies(): Promise<readonly string[]>
  listLoginRoles(): Promise<readonly string[]>
  /** Their client ids; ordered by id. */
  listUsers(query: { readonly limit: number }): Promise<readonly string[]>
  close(): Promise<void>
}

export interface NamesOptions {
  readonly dataDir: string
  readonly databaseUrl?: Secret
  readonly maxWaitMilliseconds: number
}

/**
 * Reads names from a store without its lock, its root key or a record, and makes and migrates nothing: a server that has
 * it open does not notice. Throws what stores throw.
 */
export async function openNames(options: NamesOptions): Promise<NameSource> {
  const { store, close } = await openReader(options)
  const tenant = DEFAULT_TENANT
  return {
    listKeys: async ({ after, limit }) => {
      const query = { tenant, limit, ...(after === undefined ? {} : { after: parseKeyName(after) }) }
      return (await store.listKeys(query)).map(({ name }) => name)
    },
    findVersions: async (key) => {
      const found = await store.findKey(tenant, parseKeyName(key))
      return found?.versions.map(({ version }) => version)
    },
    listTokens: async () =>
      (await store.listTokens(tenant)).flatMap(({ id, revokedAt }) => (revokedAt === undefined ? [id] : [])),
    listPolicies: async () => (await store.listPolicies(tenant)).map(({ name }) => name),
    listLoginRoles: async () => (await store.listLoginRoles(tenant)).map(({ name }) => name),
    listUsers: async ({ limit }) =>
      (await store.listUsers({ tenant, limit })).map(({ clientId }) => clientId),
    close,
  }
}

interface Reader {
  readonly store: ReadStore
  readonly close: () => Promise<void>
}

async function openReader({ dataDir, databaseUrl, maxWaitMilliseconds }: NamesOptions): Promise<Reader> {
  const { SqlReader } = await import('./store/sql/sql-reader.ts')
  if (databaseUrl === undefined) {
    const { openSqliteReader } = await import('./store/sqlite/sqlite-engine.ts')
    const reader = await openSqliteReader(dataDir, maxWaitMilliseconds)
    return { store: new SqlReader(reader), close: () => reader.destroy() }
  }
  const { openPostgresEngine } = await import('./store/postgres/postgres-engine.ts')
  const engine = await openPostgresEngine(databaseUrl.reveal())
  return { store: new SqlReader(engine.reader), close: () => engine.close() }
}
