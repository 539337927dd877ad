import type { FernetRing } from './crypto/fernet-ring.ts'
import { requireKnownFernetKeys } from './service/api-keys/fernet-checks.ts'
import { existsSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { OpenOptions } from './app.ts'
import { copyFor } from './audit/checkpoint/checkpoint-copy.ts'
import { LogReader } from './audit/log-reader.ts'
import { verifyLog } from './audit/verify-log.ts'
import { randomFraction, randomUuid } from './crypto/random.ts'
import type { Audit } from './model/audit.ts'
import { type Clock, toInstant } from './model/clock.ts'
import { CoffreError } from './model/errors.ts'
import type { Secret } from './model/secret.ts'
import { SealChoices } from './seal/seal-choices.ts'
import type { SealKeyText } from './seal/seal-key-text.ts'
import { readOnlyAudit } from './service/caller-audit.ts'
import { readSealKeyText, restoreSealKey } from './service/operator/recovery.ts'
import type { Moved } from './store/postgres/move-to-postgres.ts'
import type { MoveProgress } from './store/sql/move/move-store.ts'
import { openSqliteStore } from './store/sqlite/open-sqlite-store.ts'
import type { FolderShare } from './store/sqlite/sqlite-engine.ts'
import type { Store } from './store/store.ts'

/*
 * The store of a Coffre, and what is done with one that stays sealed: moving it, reading its log, carrying its seal key.
 */

export interface OpenedStore {
  readonly store: Store
  readonly storeName: 'sqlite' | 'postgres'
}

export async function openStore(options: OpenOptions, share: FolderShare = 'alone'): Promise<OpenedStore> {
  const { dataDir, databaseUrl } = options
  const clock = clockOf(options)
  if (databaseUrl === undefined) {
    return { store: await openSqliteStore({ folder: dataDir, clock, share }), storeName: 'sqlite' }
  }
  const { openPostgresStore } = await import('./store/postgres/open-postgres-store.ts')
  const url = reveal(databaseUrl)
  const create = options.createIfMissing === true
  const store = await openPostgresStore({ url, clock, random: randomFraction, create })
  // For the key file and the first token.
  if (create) await mkdir(dataDir, { recursive: true, mode: 0o700 })
  return { store, storeName: 'postgres' }
}

export function chooseSeals(options: OpenOptions): SealChoices {
  const { seal, environment = process.env } = options
  return new SealChoices({ seal, environment, defaultPath: join(options.dataDir, 'seal.key') })
}

/** A read must not leave an empty store behind. */
export function requireExisting(options: OpenOptions): void {
  // Of a database only the server knows; opening it looks.
  if (options.createIfMissing === true || options.databaseUrl !== undefined) return
  if (existsSync(join(options.dataDir, 'coffre.db'))) return
  throw new CoffreError('NOT_INITIALISED', { facts: { dataDir: options.dataDir } })
}

export interface MoveStoreOptions {
  readonly dataDir: string
  readonly databaseUrl: string | Secret
  readonly dryRun?: boolean
  readonly tell?: (progress: MoveProgress) => void
}

/**
 * Moves an embedded Coffre into a PostgreSQL database: everything is copied, compared and verified there, then the
 * folder is closed for good. Interrupted, it goes on when it is called again. The seal key file stays in the folder.
 */
export async function moveStore(options: MoveStoreOptions): Promise<Moved> {
  const { dataDir, databaseUrl, dryRun = false, tell = () => undefined } = options
  requireExisting({ dataDir })
  const { moveToPostgres } = await import('./store/postgres/move-to-postgres.ts')
  return moveToPostgres({
    folder: dataDir,
    url: reveal(databaseUrl),
    clock: clockOf({ dataDir }),
    move: randomUuid(),
    dryRun,
    tell,
    verifyAudit: async (store) => (await verifyLog(store)).valid,
  })
}

function reveal(text: string | Secret): string {
  return typeof text === 'string' ? text : text.reveal()
}

export function clockOf(options: OpenOptions): Clock {
  return options.clock ?? (() => toInstant(Date.now()))
}

export interface OpenedAuditLog extends Audit {
  close(): Promise<void>
}

/**
 * The audit log of a folder without its root key, and without adding a record: for an auditor, and for a log
 * that is too damaged for `openCoffre` to go on with. Throws NOT_INITIALISED, STORE_IN_USE.
 */
export async function openAuditLog(
  options: Pick<OpenOptions, 'dataDir' | 'databaseUrl' | 'checkpointFile'>,
): Promise<OpenedAuditLog> {
  requireExisting(options)
  const { store } = await openStore(options)
  const reader = new LogReader(store, copyFor(options))
  return { ...readOnlyAudit(reader), close: () => store.close() }
}

/** Throws CONFIG_REFUSED when keys of providers are stored under a Fernet key that is not in the ring, and STORE_IN_USE. */
export function requireStoredFernetKeys(
  options: Pick<OpenOptions, 'dataDir' | 'databaseUrl'>,
  ring: FernetRing | undefined,
): Promise<void> {
  return withStore(options, (store) => requireKnownFernetKeys(store, ring))
}

/** For a recovery sheet. Throws STORE_IN_USE, SEAL_KEY_MISSING. */
export function exportSealKey(options: OpenOptions): Promise<SealKeyText> {
  return withStore(options, (store) => readSealKeyText(store, chooseSeals(options).find))
}

/** Of a recovery sheet, once its key was seen to open this folder. */
export async function importSealKey(
  options: OpenOptions,
  sheet: { readonly text: Secret; readonly path?: string },
): Promise<{ readonly path: string }> {
  const path = sheet.path ?? join(options.dataDir, 'seal.key')
  await withStore(options, (store) => restoreSealKey(store, { text: sheet.text, path }))
  return { path }
}

async function withStore<Answer>(
  options: OpenOptions,
  work: (store: Store) => Promise<Answer>,
): Promise<Answer> {
  requireExisting(options)
  const { store } = await openStore(options)
  try {
    return await work(store)
  } finally {
    await store.close()
  }
}
