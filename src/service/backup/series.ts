import { judgeNote, type VerifierKey } from '../../crypto/transparency/signed-note.ts'
import { sha256 } from '../../crypto/digest.ts'
import type { BackupSummary } from '../../model/backup.ts'
import { CoffreError } from '../../model/errors.ts'
import type { ObjectFacts, ObjectStore } from '../../store/object-store.ts'
import { type Catalogue, type CatalogueEntry, emptyCatalogue, parseCatalogue } from './catalogue.ts'
import { type Manifest, parseManifest, viewSlot } from './manifest.ts'
import type { SeenRevisions } from './seen-revisions.ts'

/** Names of objects, and what stands behind them (docs/spec/backup.md). */

const CATALOGUE = 'catalogue'
const MANIFEST = /^(?<series>[a-z0-9][a-z0-9._-]{0,63})\/(?<sequence>[0-9]{12})\.manifest$/
const CATALOGUE_NAME = /^(?<series>[a-z0-9][a-z0-9._-]{0,63})\/catalogue$/
const SEQUENCE_DIGITS = 12
/** A signed note has at most so many characters. */
const MAX_NOTE_BYTES = 512 * 1024

export interface StoredBackup {
  readonly manifest: Manifest
  readonly object: ObjectFacts
  readonly isTrusted: boolean
}

export interface StoredCatalogue {
  readonly catalogue: Catalogue
  /** Of the object; absent where there is none yet. */
  readonly version?: string
  /** False where there is none, and where nobody whom we trust has signed it. */
  readonly isTrusted: boolean
}

export function manifestName(series: string, sequence: number): string {
  return `${series}/${String(sequence).padStart(SEQUENCE_DIGITS, '0')}.manifest`
}

export function bodyName(series: string, id: string): string {
  return `${series}/${id}.body`
}

export function catalogueName(series: string): string {
  return `${series}/${CATALOGUE}`
}

/** Line 4 of a manifest, as the catalogue names it. */
function recordDigest(recordLine: string): string {
  return Buffer.from(sha256(Buffer.from(recordLine))).toString('hex')
}

export function entryOf({ header, body, recordLine }: Manifest): CatalogueEntry {
  return { sequence: body.sequence, id: header.id, record: recordDigest(recordLine) }
}

export interface SeriesReaderParts {
  readonly target: ObjectStore
  /** Whose signatures count. Asked for each catalogue: a key may be made or rotated meanwhile. */
  readonly signers: () => Promise<readonly VerifierKey[]>
  readonly seen: SeenRevisions
  /** What is older than was seen counts from now on: whoever asks knows why it is. */
  readonly acceptOlder?: boolean
}

/** What one series of a target holds, judged by whom we trust. */
export class SeriesReader {
  readonly #target: ObjectStore
  readonly #findSigners: SeriesReaderParts['signers']
  #signers: readonly VerifierKey[] = []
  readonly #seen: SeenRevisions
  readonly acceptsOlder: boolean

  constructor({ target, signers, seen, acceptOlder = false }: SeriesReaderParts) {
    this.#target = target
    this.#findSigners = signers
    this.#seen = seen
    this.acceptsOlder = acceptOlder
  }

  /**
   * The first of every operation. Throws BACKUP_ROLLED_BACK for one older than was seen, unless that shall count from now
   * on. What a stranger signed has no revision to compare: it vouches for nothing (`isListed`).
   */
  async readCatalogue(series: string): Promise<StoredCatalogue> {
    this.#signers = await this.#findSigners()
    const name = catalogueName(series)
    const object = await this.#target.find(name)
    const seen = await this.#seen.read(this.#target.place, series)
    const stored = object === undefined ? absent(series) : await this.#parseCatalogue(name, object.version)
    if (stored.catalogue.series !== series) throw damaged(name, 'series')
    const isForeign = stored.version !== undefined && !stored.isTrusted
    const { revision } = stored.catalogue
    if (isForeign || revision === seen) return stored
    if (revision > seen) await this.#noteSeen(stored.catalogue)
    else if (this.acceptsOlder) await this.#seen.accept(this.#target.place, series, revision)
    else throw new CoffreError('BACKUP_ROLLED_BACK', { facts: { series, revision, seen } })
    return stored
  }

  /** Whoever only reads may have no place to remember it: that is no reason to read nothing. */
  async #noteSeen(catalogue: Catalogue): Promise<void> {
    try {
      await this.remember(catalogue)
    } catch (error) {
      if (!isUnwritable(error)) throw error
    }
  }

  async remember(catalogue: Catalogue): Promise<void> {
    await this.#seen.remember(this.#target.place, catalogue.series, catalogue.revision)
  }

  /** Every backup that has a manifest, oldest first, with whether we trust it. */
  async *readManifests(series: string): AsyncGenerator<StoredBackup, void, undefined> {
    for await (const object of this.#target.list(`${series}/`)) {
      if (MANIFEST.test(object.name)) yield await this.#readManifest(object)
    }
  }

  /** Of every manifest, by its name alone. */
  async *readSequences(series: string): AsyncGenerator<number, void, undefined> {
    for await (const { name } of this.#target.list(`${series}/`)) {
      const sequence = MANIFEST.exec(name)?.groups?.['sequence']
      if (sequence !== undefined) yield Number(sequence)
    }
  }

  /** Throws BACKUP_NOT_FOUND. */
  async readNewest(series: string): Promise<StoredBackup> {
    let newest = 0
    for await (const each of this.readSequences(series)) newest = Math.max(newest, each)
    if (newest === 0) throw new CoffreError('BACKUP_NOT_FOUND', { facts: { series } })
    return this.readManifest(series, newest)
  }

  /** How many manifests each series of the target has, by name. */
  async countManifests(): Promise<ReadonlyMap<string, number>> {
    const counts = new Map<string, number>()
    for await (const { name } of this.#target.list('')) {
      const series = (MANIFEST.exec(name) ?? CATALOGUE_NAME.exec(name))?.groups?.['series']
      if (series === undefined) continue
      counts.set(series, (counts.get(series) ?? 0) + (MANIFEST.test(name) ? 1 : 0))
    }
    return counts
  }

  /** Throws BACKUP_NOT_FOUND. */
  async readManifest(series: string, sequence: number): Promise<StoredBackup> {
    const object = await this.#target.find(manifestName(series, sequence))
    if (object === undefined) throw new CoffreError('BACKUP_NOT_FOUND', { facts: { series, sequence } })
    return this.#readManifest(object)
  }

  async #readManifest(object: ObjectFacts): Promise<StoredBackup> {
    const manifest = parseManifestOf(object.name, await readText(this.#target, object.name))
    const { header, body, note } = manifest
    // Under another name it would be another backup.
    if (object.name !== manifestName(header.series, body.sequence)) throw damaged(object.name, 'name')
    return { manifest, object, isTrusted: judgeNote(note, this.#signers) === 'signed' }
  }

  async #parseCatalogue(name: string, version: string): Promise<StoredCatalogue> {
    const { catalogue, note } = parseCatalogue(await readText(this.#target, name))
    return { catalogue, version, isTrusted: judgeNote(note, this.#signers) === 'signed' }
  }
}

export function viewBackup(
  { manifest, isTrusted }: Pick<StoredBackup, 'manifest' | 'isTrusted'>,
  catalogue: StoredCatalogue,
): BackupSummary {
  const { header, body, slots, note } = manifest
  return {
    ...header,
    sequence: body.sequence,
    bodyBytes: body.bodyBytes,
    slots: slots.map(viewSlot),
    signer: note.signatures.map(({ name }) => name).join(', '),
    isTrusted: isTrusted && isListed(manifest, catalogue),
  }
}

/**
 * Whether the catalogue names it, or would: where there is none, and for one above `newest`, its maker did not get to write
 * that. What a stranger signed names nothing.
 */
export function isListed(manifest: Manifest, { version, isTrusted, catalogue }: StoredCatalogue): boolean {
  if (!isTrusted) return version === undefined
  const { sequence, record } = entryOf(manifest)
  if (sequence > catalogue.newest) return true
  return catalogue.entries.some((entry) => entry.sequence === sequence && entry.record === record)
}

export async function* once(text: string): AsyncGenerator<Uint8Array, void, undefined> {
  yield Buffer.from(text)
}

/** Of an object of ours, whose length somebody else may have chosen. Throws BACKUP_DAMAGED. */
export async function readText(
  target: ObjectStore,
  name: string,
  maximumBytes = MAX_NOTE_BYTES,
): Promise<string> {
  const pieces: Uint8Array[] = []
  let bytes = 0
  for await (const piece of target.read(name)) {
    bytes += piece.length
    if (bytes > maximumBytes) throw damaged(name, 'length')
    pieces.push(piece)
  }
  return Buffer.concat(pieces).toString('utf8')
}

/** A catalogue that somebody else signed is not ours to go on with. Throws BACKUP_UNTRUSTED. */
export function refuseForeignCatalogue({ version, isTrusted, catalogue }: StoredCatalogue): void {
  if (version === undefined || isTrusted) return
  throw new CoffreError('BACKUP_UNTRUSTED', { facts: { at: 'catalogue', series: catalogue.series } })
}

function absent(series: string): StoredCatalogue {
  return { catalogue: emptyCatalogue(series), isTrusted: false }
}

/** Which one it is: a series has up to a thousand. */
function parseManifestOf(object: string, text: string): Manifest {
  try {
    return parseManifest(text)
  } catch (error) {
    if (!(error instanceof CoffreError) || error.code !== 'BACKUP_DAMAGED') throw error
    throw new CoffreError('BACKUP_DAMAGED', { facts: { object, ...error.facts }, cause: error })
  }
}

function damaged(object: string, reason: string): CoffreError {
  return new CoffreError('BACKUP_DAMAGED', { facts: { object, reason } })
}

function isUnwritable(error: unknown): boolean {
  return (
    error instanceof Error &&
    'code' in error &&
    /^E(ACCES|PERM|ROFS|NOENT|NOSPC|DQUOT)$/.test(String(error.code))
  )
}
