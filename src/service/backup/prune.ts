import type { BackupPruning, BackupRetention, OnBackupProgress } from '../../model/backup.ts'
import { DAY, type Instant } from '../../model/clock.ts'
import type { ObjectStore } from '../../store/object-store.ts'
import { manifestOfProof } from './drill-proofs.ts'
import type { Manifest } from './manifest.ts'
import { ProgressTeller } from './progress.ts'
import { chooseKept } from './retention.ts'
import {
  bodyName,
  entryOf,
  manifestName,
  refuseForeignCatalogue,
  type SeriesReader,
  type StoredBackup,
} from './series.ts'
import type { SeriesWriter } from './series-writer.ts'

/** What has no manifest and is younger may be a backup that is being written. */
const ORPHAN_AGE_MS = DAY
const BODY = /\/(?<id>[0-9a-f-]{36})\.body$/

export interface PruneOptions {
  readonly series: string
  readonly retention: BackupRetention
  readonly now: Instant
  /** Tells what would go, and removes nothing. */
  readonly dryRun?: boolean
  /** Backups that are gone, of those that go; a body without a manifest is one as well. */
  readonly onProgress?: OnBackupProgress
}

interface Parts {
  readonly target: ObjectStore
  readonly reader: SeriesReader
  readonly writer: SeriesWriter
}

/**
 * First the catalogue forgets them, then their manifests go, then their bodies: whoever is killed in between leaves objects
 * that are no backup, and the next pruning removes those. What a retention of the bucket keeps goes back into the catalogue.
 */
export async function prune(parts: Parts, options: PruneOptions): Promise<BackupPruning> {
  const { series, retention, now, dryRun = false } = options
  const { listed, unlisted } = await readSeries(parts.reader, series)
  const kept = chooseKept(listed.map(datedOf), retention)
  const leaving = listed.filter(({ manifest }) => !kept.has(manifest.body.sequence))
  const remaining = listed.filter(({ manifest }) => kept.has(manifest.body.sequence))
  const going = [...unlisted, ...leaving]
  const orphans = await findOrphans(parts.target, series, { of: [...remaining, ...going], now })
  const removed = going.map(({ manifest }) => manifest.body.sequence).toSorted((left, right) => left - right)
  const result = { kept: remaining.map(({ manifest }) => manifest.body.sequence), orphans }
  if (dryRun) return { ...result, removed, locked: [] }
  if (leaving.length > 0) {
    await parts.writer.remove(series, new Set(leaving.map(({ manifest }) => manifest.body.sequence)))
  }
  const of = going.length + orphans.length
  const progress = new ProgressTeller(options.onProgress, { unit: 'backups', of, isAbout: false })
  let done = 0
  const tell = () => progress.tell((done += 1))
  const locked = await removeBackups(parts, { series, going, tell })
  for (const name of orphans) {
    await parts.target.remove(name)
    tell()
  }
  await removeProofs(parts.target, series)
  await removeUnfinished(parts.target, series, now)
  progress.end()
  return { ...result, removed: removed.filter((sequence) => !locked.includes(sequence)), locked }
}

/** Backups of ours that the catalogue names, and those of ours that it does not: somebody was killed while pruning. */
async function readSeries(reader: SeriesReader, series: string) {
  const stored = await reader.readCatalogue(series)
  // By it all of ours would be unlisted, and go.
  refuseForeignCatalogue(stored)
  const { catalogue } = stored
  const records = new Map(catalogue.entries.map(({ sequence, record }) => [sequence, record]))
  const listed: StoredBackup[] = []
  const unlisted: StoredBackup[] = []
  for await (const backup of reader.readManifests(series)) {
    const { sequence, record } = entryOf(backup.manifest)
    // Whoever else put it there: it is not ours to remove.
    if (!backup.isTrusted) continue
    const isListed = records.get(sequence) === record || sequence > catalogue.newest
    ;(isListed ? listed : unlisted).push(backup)
  }
  return { listed, unlisted }
}

async function removeBackups(
  { target, writer }: Parts,
  {
    series,
    going,
    tell,
  }: { readonly series: string; readonly going: readonly StoredBackup[]; readonly tell: () => void },
): Promise<number[]> {
  const locked: Manifest[] = []
  for (const { manifest } of going) {
    const outcome = await target.remove(manifestName(series, manifest.body.sequence))
    if (outcome === 'locked') locked.push(manifest)
    else await target.remove(bodyName(series, manifest.header.id))
    tell()
  }
  if (locked.length > 0) await writer.keep(series, locked)
  return locked.map(({ body }) => body.sequence)
}

async function findOrphans(
  target: ObjectStore,
  series: string,
  { of, now }: { readonly of: readonly StoredBackup[]; readonly now: Instant },
): Promise<readonly string[]> {
  const ids = new Set(of.map(({ manifest }) => manifest.header.id))
  const orphans: string[] = []
  for await (const { name, writtenAt } of target.list(`${series}/`)) {
    const id = BODY.exec(name)?.groups?.['id']
    if (id !== undefined && !ids.has(id) && writtenAt < now - ORPHAN_AGE_MS) orphans.push(name)
  }
  return orphans
}

/** Of drills of backups that are gone. */
async function removeProofs(target: ObjectStore, series: string): Promise<void> {
  const names: string[] = []
  for await (const { name } of target.list(`${series}/`)) names.push(name)
  const there = new Set(names)
  for (const name of names) {
    const manifest = manifestOfProof(name)
    if (manifest !== undefined && !there.has(manifest)) await target.remove(name)
  }
}

async function removeUnfinished(target: ObjectStore, series: string, now: Instant): Promise<void> {
  for await (const unfinished of target.unfinished()) {
    const isOurs = unfinished.name.startsWith(`${series}/`)
    if (isOurs && unfinished.startedAt < now - ORPHAN_AGE_MS) await unfinished.remove()
  }
}

function datedOf({ manifest: { header, body } }: StoredBackup) {
  return { createdAt: header.createdAt, sequence: body.sequence }
}
