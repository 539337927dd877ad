import type { BackupPruning, BackupRetention, OnBackupProgress } from '../../model/backup.ts'
import { DAY, type Instant } from '../../model/clock.ts'
import type { ObjectStore } from '../../store/object-store.ts'
import { manifestOfProof, newestProof } from './drill-proofs.ts'
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
  // Before the manifests: what is whole by now and gets its manifest meanwhile is no orphan.
  const bodies = await readOldBodies(parts.target, series, now)
  const { listed, unlisted, others, gone } = await readSeries(parts.reader, series)
  const kept = chooseKept(listed.map(datedOf), retention)
  const leaving = listed.filter(({ manifest }) => !kept.has(manifest.body.sequence))
  const remaining = listed.filter(({ manifest }) => kept.has(manifest.body.sequence))
  const going = [...unlisted, ...leaving]
  const staying = new Set([...remaining, ...others].map(idOf))
  const orphans = orphansAmong(bodies, new Set([...staying, ...going.map(idOf)]))
  const removed = going.map(({ manifest }) => manifest.body.sequence).toSorted((left, right) => left - right)
  const result = { kept: remaining.map(({ manifest }) => manifest.body.sequence), orphans }
  if (dryRun) return { ...result, removed, locked: [] }
  // That somebody took a backup away is told until whoever prunes says that it is known.
  const forgotten = parts.reader.acceptsOlder ? gone : []
  const leavingNow = [...leaving.map(({ manifest }) => manifest.body.sequence), ...forgotten]
  if (leavingNow.length > 0) await parts.writer.remove(series, new Set(leavingNow))
  const of = going.length + orphans.length
  const progress = new ProgressTeller(options.onProgress, { unit: 'backups', of, isAbout: false })
  let done = 0
  const tell = () => progress.tell((done += 1))
  const locked = await removeBackups(parts, { series, going, staying, tell })
  for (const name of orphans) {
    await parts.target.remove(name)
    tell()
  }
  await removeProofs(parts.target, series)
  await removeUnfinished(parts.target, series, now)
  progress.end()
  return { ...result, removed: removed.filter((sequence) => !locked.includes(sequence)), locked }
}

/**
 * Backups of ours that the catalogue names; those of ours that it does not: somebody was killed while pruning; those that
 * nobody whom we trust has signed; and the numbers of those that it names and that are not there.
 */
async function readSeries(reader: SeriesReader, series: string) {
  const stored = await reader.readCatalogue(series)
  // By it all of ours would be unlisted, and go.
  refuseForeignCatalogue(stored)
  const { catalogue } = stored
  const records = new Map(catalogue.entries.map(({ sequence, record }) => [sequence, record]))
  const listed: StoredBackup[] = []
  const unlisted: StoredBackup[] = []
  const others: StoredBackup[] = []
  for await (const backup of reader.readManifests(series)) {
    const { sequence, record } = entryOf(backup.manifest)
    // Whoever else made it, or we with a key that was withdrawn: it is not ours to remove, and neither is its body.
    if (!backup.isTrusted) {
      others.push(backup)
      continue
    }
    const isListed = records.get(sequence) === record || sequence > catalogue.newest
    ;(isListed ? listed : unlisted).push(backup)
  }
  const there = new Set([...listed, ...unlisted, ...others].map(({ manifest }) => manifest.body.sequence))
  const gone = catalogue.entries.flatMap(({ sequence }) => (there.has(sequence) ? [] : [sequence]))
  return { listed, unlisted, others, gone }
}

interface Removal {
  readonly series: string
  readonly going: readonly StoredBackup[]
  /** Ids of backups that keep their bodies. */
  readonly staying: ReadonlySet<string>
  readonly tell: () => void
}

async function removeBackups(
  { target, writer }: Parts,
  { series, going, staying, tell }: Removal,
): Promise<number[]> {
  const locked: Manifest[] = []
  for (const { manifest } of going) {
    const outcome = await target.remove(manifestName(series, manifest.body.sequence))
    if (outcome === 'locked') locked.push(manifest)
    else if (!staying.has(manifest.header.id)) await target.remove(bodyName(series, manifest.header.id))
    tell()
  }
  if (locked.length > 0) await writer.keep(series, locked)
  return locked.map(({ body }) => body.sequence)
}

/** By id, those that are no longer being written. */
async function readOldBodies(
  target: ObjectStore,
  series: string,
  now: Instant,
): Promise<ReadonlyMap<string, string>> {
  const bodies = new Map<string, string>()
  for await (const { name, writtenAt } of target.list(`${series}/`)) {
    const id = BODY.exec(name)?.groups?.['id']
    if (id !== undefined && writtenAt < now - ORPHAN_AGE_MS) bodies.set(id, name)
  }
  return bodies
}

function orphansAmong(bodies: ReadonlyMap<string, string>, owned: ReadonlySet<string>): readonly string[] {
  return [...bodies].flatMap(([id, name]) => (owned.has(id) ? [] : [name]))
}

/** Of drills of backups that are gone; the newest of all stays, which tells when the next drill is due. */
async function removeProofs(target: ObjectStore, series: string): Promise<void> {
  const names: string[] = []
  for await (const { name } of target.list(`${series}/`)) names.push(name)
  const there = new Set(names)
  const newest = newestProof(names)
  for (const name of names.filter((each) => each !== newest)) {
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

function idOf({ manifest }: StoredBackup): string {
  return manifest.header.id
}

function datedOf({ manifest: { header, body } }: StoredBackup) {
  return { createdAt: header.createdAt, sequence: body.sequence }
}
