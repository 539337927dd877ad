import { openBackupRecord } from '../../crypto/backup-body.ts'
import type { KeyMaterial } from '../../crypto/key-material.ts'
import type { BackupRecord, BackupSummary, OnBackupProgress } from '../../model/backup.ts'
import { CoffreError } from '../../model/errors.ts'
import type { ObjectStore } from '../../store/object-store.ts'
import { type Manifest, parseRecord, SERIES } from './manifest.ts'
import { ProgressTeller } from './progress.ts'
import {
  bodyName,
  isListed,
  type SeriesReader,
  type StoredBackup,
  type StoredCatalogue,
  viewBackup,
} from './series.ts'
import { type Openers, openSlots } from './slots.ts'

/** From a reference to what is in a backup: which one is meant, whether it is to be trusted, and the key of its body. */

export interface ReadOptions {
  /** Go on although nobody whom we trust has signed it. */
  readonly acceptAnySigner?: boolean
  /** Bytes of the encrypted body that were read. */
  readonly onProgress?: OnBackupProgress
  readonly signal?: AbortSignal
  /** What is read is good until more is asked for, so that its memory is used again: a third faster. */
  readonly isLent?: boolean
}

/** One backup of a series; the newest when `sequence` is absent. */
export interface BackupReference {
  readonly series: string
  readonly sequence?: number
}

/** An opened backup: what it holds, and its key. */
export interface OpenedBackup {
  readonly view: BackupSummary
  readonly record: BackupRecord
  readonly manifest: Manifest
  readonly key: KeyMaterial
}

interface Place {
  readonly target: ObjectStore
  readonly reader: SeriesReader
}

/** With the catalogue that it was judged by. Throws BACKUP_NOT_FOUND. */
export async function chooseBackup(
  reader: SeriesReader,
  { series, sequence }: BackupReference,
): Promise<{ readonly backup: StoredBackup; readonly stored: StoredCatalogue }> {
  requireSeries(series)
  const stored = await reader.readCatalogue(series)
  if (sequence !== undefined) return { backup: await reader.readManifest(series, sequence), stored }
  const backup = await reader.readNewest(series)
  requireNewest(backup.manifest.body.sequence, stored)
  return { backup, stored }
}

/** Judges the signature, then opens a slot and the record. The caller wipes the key. */
export async function openBackup(
  { target, reader }: Place,
  reference: BackupReference,
  openers: Openers,
  options: ReadOptions,
): Promise<OpenedBackup> {
  const { backup, stored } = await chooseBackup(reader, reference)
  const { manifest } = backup
  requireTrust(backup, stored, options)
  await requireBody(target, manifest)
  const key = await openSlots(manifest.slots, manifest.header.id, openers)
  const lines = { header: manifest.headerLine, body: manifest.bodyLine }
  try {
    const record = parseRecord(openBackupRecord(key, lines, manifest.recordLine))
    return { view: viewBackup(backup, stored), record, manifest, key }
  } catch (error) {
    key.wipe()
    throw error
  }
}

/** What lies on the target, encrypted. Each piece is good until the next is asked for. */
export async function* readBody(
  target: ObjectStore,
  { header, body }: Manifest,
  { onProgress, signal }: ReadOptions,
): AsyncGenerator<Uint8Array, void, undefined> {
  const extent = { unit: 'bytes', of: body.bodyBytes, isAbout: false } as const
  const progress = new ProgressTeller(onProgress, extent)
  let bytes = 0
  const name = bodyName(header.series, header.id)
  // Opening it copies it.
  for await (const piece of target.read(name, { isLent: true })) {
    signal?.throwIfAborted()
    bytes += piece.length
    progress.tell(bytes)
    yield piece
  }
  progress.end()
}

/** Throws INVALID_REQUEST. */
export function requireSeries(series: string): void {
  if (SERIES.safeParse(series).success) return
  const facts = { at: 'series', expected: '1 to 64 of a-z 0-9 - _ ., beginning with a letter or digit' }
  throw new CoffreError('INVALID_REQUEST', { facts })
}

/** Its length, before hours of reading. */
async function requireBody(target: ObjectStore, { header, body }: Manifest): Promise<void> {
  const name = bodyName(header.series, header.id)
  const object = await target.find(name)
  if (object?.bytes === body.bodyBytes) return
  const reason = object === undefined ? 'missing' : 'length'
  throw new CoffreError('BACKUP_DAMAGED', { facts: { at: 'body', reason } })
}

/** Whoever takes the newest one away must not make an older one pass for it. Throws BACKUP_DAMAGED. */
function requireNewest(found: number, { isTrusted, catalogue }: StoredCatalogue): void {
  const sequence = isTrusted ? (catalogue.entries.at(-1)?.sequence ?? 0) : 0
  if (sequence <= found) return
  const facts = { series: catalogue.series, sequence, reason: 'missing; an older one is named by its number' }
  throw new CoffreError('BACKUP_DAMAGED', { facts })
}

function requireTrust(backup: StoredBackup, stored: StoredCatalogue, options: ReadOptions): void {
  const isTrusted = backup.isTrusted && isListed(backup.manifest, stored)
  if (isTrusted || options.acceptAnySigner === true) return
  const { signatures } = backup.manifest.note
  const reason = backup.isTrusted ? 'the catalogue does not name it' : 'signer'
  const facts = { reason, signer: signatures.map(({ name }) => name).join(', ') }
  throw new CoffreError('BACKUP_UNTRUSTED', { facts })
}
