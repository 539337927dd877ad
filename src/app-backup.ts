import { openObjectStore, type ObjectStoreOptions } from './app-objects.ts'
import type { KeyMaterial } from './crypto/key-material.ts'
import { randomUuid } from './crypto/random.ts'
import { parseRecoveryPublicKey } from './crypto/recovery-key.ts'
import { formatVerifierKey, parseVerifierKey, type VerifierKey } from './crypto/transparency/signed-note.ts'
import type { BackupDeclaration } from './config-backups.ts'
import { type Clock, formatInstant, toInstant } from './model/clock.ts'
import type { Coffre } from './model/coffre.ts'
import { CoffreError, hasCode } from './model/errors.ts'
import type { Secret } from './model/secret.ts'
import { parseRecoveryKey } from './seal/recovery-key.ts'
import { ensureSigningKey, trustedSigners } from './service/backup/backup-keys.ts'
import { Backups } from './service/backup/backups.ts'
import { CronSchedule } from './service/backup/schedule/cron.ts'
import { SeenRevisionsFile } from './service/backup/seen-revisions.ts'
import type { Openers, Recipients } from './service/backup/slots.ts'
import { once } from './service/backup/series.ts'
import { examineTarget, type TargetFindings } from './service/key-separation/examine-target.ts'
import type { NamedSecret } from './service/key-separation/named-secret.ts'
import type { BackupSource } from './store/backup-source.ts'
import type { ObjectStore, ObjectStoreWarning } from './store/object-store.ts'

export { openObjectStore, type ObjectStoreOptions } from './app-objects.ts'
export {
  createRecoveryKey,
  createRecoveryShares,
  isRecoveryShare,
  isSealKeyText,
  joinRecoveryShares,
  type NewRecoveryKey,
  type NewRecoveryShares,
  recoveryKeyOfSeal,
} from './seal/recovery-key.ts'
export { DEFAULT_BACKUP_KEY } from './service/backup/backup-keys.ts'
export type { Backups, CreateOptions } from './service/backup/backups.ts'
export type { BackupReference, OpenedBackup } from './service/backup/opening.ts'
export { checkBackupKey, decryptBackup, encryptBackup } from './service/backup/layout-file.ts'
export { restoreBackup } from './service/backup/restore.ts'
export type { PlantedKey, TargetFindings } from './service/key-separation/examine-target.ts'
export type { NamedSecret } from './service/key-separation/named-secret.ts'
export { requireSeparate } from './service/key-separation/require-separate.ts'
export type { BackupSource, RestoreTarget } from './store/backup-source.ts'
export type { ObjectStore } from './store/object-store.ts'
export { coffreFolderSource, coffrePostgresSource } from './store/source/coffre/coffre-source.ts'
export { coffreFolderTarget, coffrePostgresTarget } from './store/source/coffre/coffre-target.ts'
export { globalsTarget } from './store/source/postgres/globals-target.ts'
export { globalsSource, postgresSource } from './store/source/postgres/postgres-source.ts'
export { postgresTarget } from './store/source/postgres/postgres-target.ts'
export { sqliteSource } from './store/source/sqlite/sqlite-source.ts'
export { sqliteTarget } from './store/source/sqlite/sqlite-target.ts'
export { filesSource } from './store/source/files/files-source.ts'
export { filesTarget, type FilesTargetOptions } from './store/source/files/files-target.ts'
export { streamSource } from './store/source/stream-source.ts'
export { fileTarget, outputTarget } from './store/source/stream-target.ts'

export interface OpenBackupsOptions {
  /** A folder, `s3://bucket/prefix`, or an object store that is open; `close` closes it. */
  readonly target: string | ObjectStore
  /** Of a bucket. */
  readonly s3?: ObjectStoreOptions
  /** A file of this machine, away from the target: which state of each series was seen. */
  readonly seenFile: string
  /** Vouches for its own backups and records what is done with them; absent on a machine that has nothing but a recovery key. */
  readonly coffre?: Pick<Coffre, 'backups' | 'keys'>
  /** Verifier keys of others who may have made a backup, as texts. */
  readonly signers?: readonly string[]
  /** A target that was put back to an older state, or emptied, is taken as it is. */
  readonly acceptOlder?: boolean
  readonly clock?: Clock
}

/** Backups on a target (docs/spec/backup.md). Throws BUCKET_NOT_FOUND, INVALID_REQUEST for a signer that is none. */
export async function openBackups(options: OpenBackupsOptions): Promise<Backups> {
  const {
    target,
    s3,
    seenFile,
    coffre,
    signers = [],
    acceptOlder = false,
    clock = () => toInstant(Date.now()),
  } = options
  const others = signers.map(readSigner)
  return new Backups({
    target: typeof target === 'string' ? await openObjectStore(target, s3) : target,
    clock,
    acceptOlder,
    ...(coffre === undefined ? {} : { trail: coffre.backups }),
    seen: new SeenRevisionsFile(seenFile, lockSeen),
    signers: async () => [...(coffre === undefined ? [] : await trustedSigners(coffre)), ...others],
  })
}

async function lockSeen(path: string): Promise<() => void> {
  const { takeLock } = await import('./store/sqlite/folder-lock.ts')
  return takeLock(path)
}

export interface ExamineBackupTargetOptions {
  /** A folder, or `s3://bucket/prefix`: the whole bucket is looked through. */
  readonly target: string
  /** Of a bucket. */
  readonly s3?: ObjectStoreOptions
  /** Secrets that must not lie there, in any spelling; keys are found by their shape too. */
  readonly secrets?: readonly NamedSecret[]
}

/** Whether key material lies beside backups, and who else may read them; it changes nothing. */
export async function examineBackupTarget({
  target,
  s3,
  secrets = [],
}: ExamineBackupTargetOptions): Promise<TargetFindings> {
  const whole = wholeBucket(target)
  try {
    return await examinePlace(whole, s3, secrets)
  } catch (error) {
    // A policy may open the prefix alone.
    if (whole === target || !hasCode(error, 'OBJECT_STORE_REFUSED')) throw error
    return { ...(await examinePlace(target, s3, secrets)), isWhole: false }
  }
}

/** When the first of them is next due. Throws CONFIG_REFUSED for a moment that never comes and a time zone that is none. */
export function requireSchedules(declared: readonly BackupDeclaration[], now: number): string {
  const moments = declared.map(({ cron, timeZone }) => new CronSchedule(cron, timeZone).next(toInstant(now)))
  return formatInstant(toInstant(Math.min(...moments)))
}

/** Whether it can be backed up: it says what it is, and gives its first bytes. Throws BACKUP_SOURCE_FAILED. */
export async function trySource(source: BackupSource): Promise<void> {
  await source.describe()
  const pieces = source.read(new AbortController().signal)[Symbol.asyncIterator]()
  await pieces.next()
  await pieces.return?.()
}

export interface TryTargetOptions {
  /** Of a bucket. */
  readonly s3?: ObjectStoreOptions
  /** False: it only looks whether the target is there. */
  readonly writes: boolean
}

/** Whether backups can lie there: it writes a small object, finds it, and removes it. Answers what somebody should look at. */
export async function tryTarget(
  target: string,
  { s3, writes }: TryTargetOptions,
): Promise<readonly ObjectStoreWarning[]> {
  const store = await openObjectStore(target, s3)
  try {
    if (writes) await writeAndRemove(store, `coffre-test-${newRestoreId()}`)
    else await store.find('coffre-test')
    return await store.warnings()
  } finally {
    await store.close()
  }
}

async function writeAndRemove(store: ObjectStore, name: string): Promise<void> {
  await store.write(name, once('Made by coffre backup init, and removed again.\n'), { ifAbsent: true })
  const found = await store.find(name)
  await store.remove(name)
  if (found === undefined) throw new CoffreError('OBJECT_NOT_FOUND', { facts: { place: store.place, name } })
}

async function examinePlace(
  place: string,
  s3: ObjectStoreOptions | undefined,
  secrets: readonly NamedSecret[],
): Promise<TargetFindings> {
  const store = await openObjectStore(place, s3)
  try {
    return await examineTarget(store, secrets)
  } finally {
    await store.close()
  }
}

/** Keys beside the prefix are as near to whoever reads the bucket. */
function wholeBucket(place: string): string {
  if (!/^s3:/i.test(place) || !URL.canParse(place)) return place
  const { search, hostname } = new URL(place)
  return `s3://${hostname}${search}`
}

const RESTORE_ID_DIGITS = 12

/** For a restore target: in the names of what it makes beside its place. What a killed restore left is in nobody's way. */
export function newRestoreId(): string {
  return randomUuid().slice(-RESTORE_ID_DIGITS)
}

/** Who makes the backups of this Coffre, for a sheet of paper; its signing key is made when it is not there. */
export async function listSigners(coffre: Pick<Coffre, 'keys'>): Promise<readonly string[]> {
  await ensureSigningKey(coffre)
  return (await trustedSigners(coffre)).map(formatVerifierKey)
}

/** Recovery keys as texts; see `Recipients`. Throws KEY_REFUSED. */
export function toRecipients(given: {
  readonly key?: string
  readonly passphrase?: Secret
  readonly recovery?: readonly string[]
}): Recipients {
  const { recovery = [], ...others } = given
  return { ...others, recovery: recovery.map(parseRecoveryPublicKey) }
}

/** A recovery key as text or words. Throws SHARE_INVALID. */
export function toOpeners(given: {
  readonly coffre?: Pick<Coffre, 'decrypt'>
  readonly passphrase?: Secret
  readonly recoveryKey?: Secret
}): Openers {
  const { recoveryKey, ...others } = given
  const seed: KeyMaterial | undefined = recoveryKey === undefined ? undefined : parseRecoveryKey(recoveryKey)
  return seed === undefined ? others : { ...others, recoveryKey: seed }
}

function readSigner(text: string): VerifierKey {
  const signer = parseVerifierKey(text.trim())
  if (signer !== undefined) return signer
  const facts = { at: 'signer', expected: 'a verifier key: coffre-backup/…+…+…' }
  throw new CoffreError('INVALID_REQUEST', { facts })
}
