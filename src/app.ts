import { copyFor } from './audit/checkpoint/checkpoint-copy.ts'
import type { CheckpointAlert } from './audit/checkpoint/checkpointer.ts'
import { AuditParts, warnProcess } from './audit/open-audit.ts'
import { randomUuid } from './crypto/random.ts'
import { readFernetRing, requireKnownFernetKeys } from './app-fernet.ts'
import { chooseSeals, clockOf, openStore, requireExisting } from './app-store.ts'
import { requireSelfTests } from './crypto/self-test.ts'
import type { Clock } from './model/clock.ts'
import type { AuditFinding } from './model/audit.ts'
import type { EmbeddedCoffre, Operator, StatusView } from './model/coffre.ts'
import { CoffreError, hasCode } from './model/errors.ts'
import type { Secret } from './model/secret.ts'
import type { SealChoice } from './seal/seal-choices.ts'
import { CallerCoffre, withOwnRequests } from './service/caller-coffre.ts'
import { type Caller, localCaller, systemCaller } from './service/caller.ts'
import type { AuditTrail } from './service/audit-trail.ts'
import { ChangeFeed } from './service/change-feed.ts'
import { runExclusively } from './service/exclusive-job.ts'
import { acceptRestored, type AcceptedRestore, recordLostCopy } from './service/operator/accept-restore.ts'
import type { StreamLimits } from './service/data/stream-service.ts'
import type { IssuerDocuments } from './service/login/login-service.ts'
import type { ProviderProbe } from './service/api-keys/api-key-service.ts'
import { Core } from './service/operator/core.ts'
import {
  claimFirstStart,
  ensureFirstToken,
  firstTokenFile,
  makeFirstToken,
} from './service/operator/first-token.ts'
import type { BackupAlert, BackupScheduleOptions } from './app-backup-schedule.ts'
import type { CoreCacheOptions } from './app-cache.ts'
import type { CallerCachesParts } from './service/cache/caller-caches.ts'
import type { IssuerSettings, ProviderSettings } from './config.ts'
import { readVersion, requireRuntime } from './version.ts'

export {
  exportSealKey,
  importSealKey,
  type MoveStoreOptions,
  moveStore,
  type OpenedAuditLog,
  openAuditLog,
} from './app-store.ts'
export { type RunningServer, serve, type ServeOptions } from './app-serve.ts'
export { checkProof, type CheckedProof, type CheckProofOptions } from './audit/check-proof.ts'
export { verifyExport, type VerifyExportOptions } from './audit/verify-export.ts'
export { runSelfTests } from './crypto/self-test.ts'
export type { AcceptedRestore } from './service/operator/accept-restore.ts'
export {
  decryptApiKey,
  encryptApiKey,
  fernetCheckOf,
  type FernetSource,
  findFernetSource,
  findInEnvFile,
  makeFernetKey,
} from './app-fernet.ts'
export { inspectBlob } from './service/data/inspect.ts'
export type { SealChoice } from './seal/seal-choices.ts'
export type { BackupAlert, BackupScheduleOptions } from './app-backup-schedule.ts'
export type { SealKeyText } from './seal/seal-key-text.ts'
export { viewShare } from './seal/shamir/share-text.ts'
export {
  type DecryptFileOptions,
  decryptFile,
  decryptRangeOfFile,
  type EncryptFileOptions,
  encryptFile,
} from './service/data/file-cipher.ts'

export interface OpenOptions {
  /** Holds the store, and the key file unless `seal` says otherwise. Created with mode 0700. */
  readonly dataDir: string
  /**
   * `postgres://user@host/database`: the store is there, and `dataDir` holds only the key file and the first token.
   * Several processes may have it open. The password may come from PGPASSWORD or .pgpass.
   */
  readonly databaseUrl?: string | Secret
  /** Absent: as the store was sealed; for a new one, a generated key file in `dataDir`. */
  readonly seal?: SealChoice
  /** True: an empty folder becomes a new Coffre. Otherwise NOT_INITIALISED. */
  readonly createIfMissing?: boolean
  readonly clock?: Clock
  /** How the keys of JWT issuers are fetched; from public hosts only when absent. */
  readonly issuers?: IssuerSettings
  readonly environment?: Readonly<Record<string, string | undefined>>
  /** How long root keys that were rotated away stay reachable for other processes on this store; else 0. */
  readonly rootLingerMs?: number
  readonly streams?: StreamSettings
  /** The copy of the audit log's checkpoints; COFFRE_CHECKPOINT_FILE, or a file in `dataDir`, when absent. */
  readonly checkpointFile?: string
  /** How keys of users are tried; at the providers' own addresses when absent. */
  readonly providers?: ProviderSettings
  /**
   * `allow`: keys of providers under a FERNET_SECRET_KEY that is not here are `unreadable`. Absent: CONFIG_REFUSED, and a
   * warning in development, as for the server.
   */
  readonly lostFernetKeys?: 'allow'
  /** The cache server, and how long entries live; the memory of this process when absent and no other may serve. */
  readonly cache?: CoreCacheOptions
  /** Backups that a server makes by itself; whoever embeds a Coffre sees how they stand, and makes one when asked. */
  readonly backups?: BackupScheduleOptions
  /** A backup that failed or was missed; a process warning when absent. */
  readonly onBackupAlert?: (alert: BackupAlert) => void
  /** For what stops nothing and somebody should look at; a process warning when absent. */
  readonly onAlert?: (alert: CheckpointAlert) => void
}

export interface StreamSettings extends StreamLimits {
  /** A server's: how long nothing may move on a stream; 60,000 when absent. */
  readonly idleMilliseconds?: number
}

/** Tokens and keys stop working at their own moment; this only erases what is over. */
const SWEEP_INTERVAL_MS = 60_000
/** Two sweeps: other processes on the same store have followed to a new root key by then. */
export const ROOT_LINGER_MS = 2 * SWEEP_INTERVAL_MS

/**
 * Opens the Coffre in a folder or a database and unseals it, inside this process. Everything that the returned object does
 * is recorded as done by `local`.
 *
 * Throws NOT_INITIALISED, STORE_IN_USE, SEAL_KEY_MISSING, PASSPHRASE_WRONG, SEAL_DAMAGED, SELF_TEST_FAILED, CONFIG_REFUSED.
 */
export async function openCoffre(options: OpenOptions): Promise<EmbeddedCoffre> {
  const { core } = await openCore(options)
  if (options.lostFernetKeys !== 'allow') await requireOrClose(core, options)
  const coffre = new CallerCoffre(core, withOwnRequests(localCaller()))
  cores.set(coffre, core)
  return coffre
}

async function requireOrClose(core: Core, { environment }: OpenOptions): Promise<void> {
  try {
    await requireKnownFernetKeys(core, environment)
  } catch (error) {
    await core.close()
    throw error
  }
}

/** Of every Coffre that `openCoffre` gave out. */
const cores = new WeakMap<object, Core>()

/** `undefined` for a Coffre that is elsewhere. */
export function coreOf(coffre: object): Core | undefined {
  return cores.get(coffre)
}

export interface Initialised {
  readonly status: StatusView
  readonly firstTokenFile: string
  readonly firstToken: Secret
}

/** Makes a new Coffre in a folder and closes it again. Throws ALREADY_INITIALISED. */
export async function initCoffre(options: OpenOptions): Promise<Initialised> {
  const { core } = await assembleCore(options)
  try {
    const firstToken = await initialise(core, options)
    return { status: await core.status(), firstTokenFile: firstTokenFile(options.dataDir), firstToken }
  } finally {
    await core.close()
  }
}

export interface OpenedCore {
  readonly core: Core
  readonly initialisedNow: boolean
}

/** As `openCoffre`, for the server. `startSealed`: a missing seal key or passphrase is no error. */
export async function openCore(
  options: OpenOptions & { readonly startSealed?: boolean },
): Promise<OpenedCore> {
  requireExisting(options)
  const { core, finding } = await assembleCore(options)
  try {
    const initialisedNow = !(await core.isInitialised()) && (await tryInitialise(core, options))
    if (!initialisedNow) await unsealAtStart(core, options.startSealed === true)
    if (finding !== undefined) await recordLostCopy(core, finding)
    await ensureFirstToken(core, options.dataDir)
    core.whenClosed(startJobs(core))
    return { core, initialisedNow }
  } catch (error) {
    await core.close()
    throw error
  }
}

/** For a process whose parent has opened the same Coffre, does its jobs, seals and unseals it. */
export async function openMemberCore(
  options: OpenOptions,
  operatorElsewhere: (caller: Caller) => Operator,
): Promise<Core> {
  return (await assembleCore(options, { share: 'member', operatorElsewhere })).core
}

interface Membership {
  readonly share: 'member'
  readonly operatorElsewhere: (caller: Caller) => Operator
}

/** `acceptsAny`: an audit log that its checkpoints do not know is no error yet. */
async function assembleCore(
  options: OpenOptions & { readonly acceptsAny?: boolean },
  membership?: Membership,
): Promise<{ core: Core; audit: AuditParts; finding: AuditFinding | undefined }> {
  requireRuntime()
  requireSelfTests()
  const clock = clockOf(options)
  const { store, storeName } = await openStore(options, membership?.share ?? 'alone')
  try {
    const audit = new AuditParts({
      store,
      clock,
      copy: copyFor(options),
      onAlert: options.onAlert ?? warnProcess,
    })
    const isNew = options.acceptsAny !== true && membership === undefined
    const finding = isNew ? await audit.requireAgreement() : undefined
    const changes = new ChangeFeed(store)
    await changes.start()
    const core = new Core({
      store,
      storeName,
      trail: audit.trail,
      audit: audit.reader,
      checkpoints: audit.checkpoints,
      clock,
      changes,
      version: readVersion(),
      documents: documentsFor(options),
      fernetRing: readFernetRing({ environment: options.environment ?? process.env, folder: process.cwd() }),
      providers: providersFor(options),
      findSealProvider: chooseSeals(options).find,
      rootLingerMs: options.rootLingerMs ?? 0,
      streamLimits: options.streams ?? {},
      cache: cacheFor(options, { trail: audit.trail, isMember: membership !== undefined }),
      ...(membership === undefined ? {} : { operatorElsewhere: membership.operatorElsewhere }),
    })
    core.whenClosed(changes.follow())
    await declareBackups(core, options, membership !== undefined)
    return { core, audit, finding }
  } catch (error) {
    await store.close()
    throw error
  }
}

/** Loaded when there are some: most processes make no backups. */
async function declareBackups(core: Core, options: OpenOptions, isMember: boolean): Promise<void> {
  const { backups, dataDir, databaseUrl, seal, environment = process.env, onBackupAlert } = options
  if (backups === undefined) return
  const { openSchedules, warnOfBackup } = await import('./app-backup-schedule.ts')
  const schedules = await openSchedules(core, {
    dataDir,
    ...(databaseUrl === undefined ? {} : { databaseUrl }),
    backups,
    clock: clockOf(options),
    ...(seal === undefined ? {} : { seal }),
    environment,
    onAlert: onBackupAlert ?? warnOfBackup,
    isMember,
  })
  core.useBackups(schedules)
}

/** After a wanted restore: records it in the log for ever, and begins a new line of checkpoints. Needs the seal key. */
export async function acceptRestore(
  options: OpenOptions & { readonly dryRun?: boolean },
): Promise<AcceptedRestore> {
  requireExisting(options)
  const { core, audit } = await assembleCore({ ...options, acceptsAny: true })
  try {
    return await acceptRestored(core, await audit.compare(), options.dryRun === true)
  } finally {
    await core.close()
  }
}

/** Loaded when a login needs them: most processes never speak to an issuer. */
function documentsFor({ issuers }: OpenOptions): IssuerDocuments {
  const load = async () => (await import('./http/outgoing/issuer-documents.ts')).issuerDocuments(issuers)
  return { check: async (url) => (await load()).check(url), fetch: async (url) => (await load()).fetch(url) }
}

/** Loaded when somebody needs it: most processes have no cache. */
function cacheFor(
  options: OpenOptions,
  { trail, isMember }: { readonly trail: AuditTrail; readonly isMember: boolean },
): Pick<CallerCachesParts, 'open' | 'isShared'> {
  const { cache = {}, databaseUrl } = options
  const open = async () => {
    // What one of several processes keeps to itself, the others can neither read nor erase.
    if (cache.url === undefined && (isMember || databaseUrl !== undefined)) {
      throw new CoffreError('CACHE_UNAVAILABLE', {
        facts: { setting: 'COFFRE_CACHE_URL', expected: 'a cache server, where several processes may serve' },
      })
    }
    const { openCoreCache } = await import('./app-cache.ts')
    return openCoreCache(trail, { ...cache, clock: clockOf(options) })
  }
  return { open, isShared: cache.url !== undefined }
}

function providersFor({ providers }: OpenOptions): ProviderProbe {
  const load = async () => (await import('./http/outgoing/provider-probe.ts')).providerProbe(providers)
  return { test: async (provider, key) => (await load()).test(provider, key) }
}

/** False where another node on the same database was faster. */
async function tryInitialise(core: Core, options: OpenOptions): Promise<boolean> {
  if (options.createIfMissing !== true) throw new CoffreError('NOT_INITIALISED')
  try {
    await initialise(core, options)
    return true
  } catch (error) {
    if (hasCode(error, 'ALREADY_INITIALISED')) return false
    throw error
  }
}

async function initialise(core: Core, options: OpenOptions): Promise<Secret> {
  const caller = localCaller()
  // Claimed before anybody can unseal it, so that no other node makes a first token too.
  const giveBack = await claimFirstStart(core)
  try {
    await core.initialise(caller, chooseSeals(options).forNew())
    return await makeFirstToken(core, caller, options.dataDir)
  } finally {
    await giveBack()
  }
}

async function unsealAtStart(core: Core, startSealed: boolean): Promise<void> {
  try {
    await core.unseal(systemCaller('start'))
  } catch (error) {
    if (!startSealed || !hasCode(error, 'SEAL_KEY_MISSING')) throw error
  }
}

/** One node of several does it. Most often there is nothing to do, and nothing is claimed for that. */
async function sweepDestroyed(core: Core, holder: string): Promise<void> {
  if (!(await core.keys.hasDestroysDue())) return
  await runExclusively(core.store, { name: 'sweep', holder }, () =>
    core.keys.sweepDestroyed(systemCaller('sweep')),
  )
}

function startJobs(core: Core): () => void {
  const holder = randomUuid()
  const sweep = () => {
    core.forgetExpired()
    if (core.isSealed) return
    core.sweepRoots()
    // A failing store shows in every other answer too; the next sweep tries again.
    sweepDestroyed(core, holder).catch(() => undefined)
  }
  sweep()
  const timer = setInterval(sweep, SWEEP_INTERVAL_MS)
  timer.unref()
  return () => clearInterval(timer)
}
