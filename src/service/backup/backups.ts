import { makeBackupKey } from '../../crypto/backup-body.ts'
import type { KeyMaterial } from '../../crypto/key-material.ts'
import { randomUuidV7 } from '../../crypto/random.ts'
import type {
  BackupCompression,
  BackupHeader,
  BackupList,
  BackupPruning,
  BackupSeries,
  BackupSourceKind,
  BackupVerdict,
  BackupSummary,
  OnBackupProgress,
} from '../../model/backup.ts'
import { formatInstant } from '../../model/clock.ts'
import { CoffreError } from '../../model/errors.ts'
import type { BackupEvent } from '../../model/backup-trail.ts'
import type { BackupSource } from '../../store/backup-source.ts'
import type { ObjectStoreWarning } from '../../store/object-store.ts'
import type { NamedSecret } from '../key-separation/named-secret.ts'
import { requireSeparate } from '../key-separation/require-separate.ts'
import { type BackupCoffre, signWithCoffre } from './backup-keys.ts'
import { DrillProofs } from './drill-proofs.ts'
import { BodySealing, type BodyTotals, openPlain, openStored } from './body-stream.ts'
import { type Manifest, manifestText, requireHeader, roomForTables } from './manifest.ts'
import {
  type BackupReference,
  chooseBackup,
  openBackup,
  type OpenedBackup,
  readBody,
  type ReadOptions,
  requireSeries,
} from './opening.ts'
import { extentOf, ProgressTeller } from './progress.ts'
import { prune, type PruneOptions } from './prune.ts'
import { recorded, type Recording } from './recorded.ts'
import {
  bodyName,
  manifestName,
  once,
  refuseForeignCatalogue,
  SeriesReader,
  type SeriesReaderParts,
  viewBackup,
} from './series.ts'
import { SeriesWriter } from './series-writer.ts'
import { requireRoom } from './catalogue.ts'
import { makeSlots, type Openers, type Recipients } from './slots.ts'

export type BackupParts = SeriesReaderParts & Recording

export interface CreateOptions {
  readonly series: string
  readonly compression?: BackupCompression
  readonly recipients: Recipients
  readonly note?: string
  /** What the database and the application have: the passphrase is none of it, nor made of it. */
  readonly apartFrom?: readonly NamedSecret[]
  readonly signal?: AbortSignal
  /** Bytes of the content that were read. */
  readonly onProgress?: OnBackupProgress
}

type NumberedReference = BackupReference & { readonly sequence: number }

interface RecipientsChange {
  readonly recipients: Recipients
  readonly coffre: BackupCoffre
}

/** Backups on one target (docs/spec/backup.md). */
export class Backups {
  readonly #parts: BackupParts
  readonly #reader: SeriesReader
  readonly proofs: DrillProofs

  constructor(parts: BackupParts) {
    this.#parts = parts
    this.proofs = new DrillProofs(parts)
    this.#reader = new SeriesReader(parts)
  }

  /** Reads the source whole. What it leaves on the target when it fails is no backup, and is removed by `prune`. */
  async create(source: BackupSource, coffre: BackupCoffre, options: CreateOptions): Promise<BackupSummary> {
    const { series } = options
    requireSeries(series)
    const make = () => this.#create(source, coffre, options)
    return this.recorded({ action: 'backup.create', series }, make, describe)
  }

  async #create(source: BackupSource, coffre: BackupCoffre, options: CreateOptions): Promise<BackupSummary> {
    requireKeyElsewhere(source.kind, options.recipients)
    requireApart(options.recipients, options.apartFrom)
    const header = requireHeader(await this.#makeHeader(source, options))
    const key = makeBackupKey()
    try {
      const slots = await makeSlots(key, header.id, options.recipients, coffre)
      // Before hours of reading: the signing key is there, and the series is not rolled back.
      const stored = await this.#reader.readCatalogue(options.series)
      refuseForeignCatalogue(stored)
      requireRoom(stored.catalogue)
      const subject = { key, header, headerLine: JSON.stringify(header) }
      const totals = await this.#writeBody(source, subject, options)
      const record = {
        ...pickRecord(totals),
        counts: source.counts(),
        ...roomForTables(source.tables?.()),
      }
      const manifest = await this.#writer(coffre).add({ ...subject, slots, totals, record })
      return viewBackup({ manifest, isTrusted: true }, await this.#reader.readCatalogue(options.series))
    } finally {
      key.wipe()
    }
  }

  /** Every series of the target, by name. One that cannot be judged keeps none of the others from being listed. */
  async series(): Promise<readonly BackupSeries[]> {
    const counts = await this.#reader.countManifests()
    const listed: BackupSeries[] = []
    for (const [series, backups] of counts)
      listed.push({ series, backups, ...(await this.#newestOf(series)) })
    return listed.toSorted((left, right) => (left.series < right.series ? -1 : 1))
  }

  async list(series: string): Promise<BackupList> {
    requireSeries(series)
    const stored = await this.#reader.readCatalogue(series)
    const backups: BackupSummary[] = []
    for await (const backup of this.#reader.readManifests(series)) backups.push(viewBackup(backup, stored))
    const found = new Set(backups.map(({ sequence }) => sequence))
    const named = stored.isTrusted ? stored.catalogue.entries : []
    const missing = named.filter(({ sequence }) => !found.has(sequence))
    return { backups, missing: missing.map(({ sequence, id }) => ({ sequence, id })) }
  }

  /** What is known without opening it. Throws BACKUP_NOT_FOUND. */
  async inspect(reference: BackupReference): Promise<BackupSummary> {
    const { backup, stored } = await chooseBackup(this.#reader, reference)
    return viewBackup(backup, stored)
  }

  /** Decrypts everything and writes nothing. Throws BACKUP_DAMAGED, which names where. */
  async verify(
    reference: BackupReference,
    openers: Openers,
    options: ReadOptions = {},
  ): Promise<BackupVerdict> {
    requireSeries(reference.series)
    return this.recorded(
      { action: 'backup.verify', ...reference },
      () => this.#verify(reference, openers, options),
      ({ backup, record }) => ({ ...describe(backup), bytes: record.plainBytes }),
    )
  }

  async #verify(reference: BackupReference, openers: Openers, options: ReadOptions): Promise<BackupVerdict> {
    const opened = await this.open(reference, openers, options)
    try {
      for await (const piece of this.readPlain(opened, { ...options, isLent: true })) void piece
      return { backup: opened.view, record: opened.record }
    } finally {
      opened.key.wipe()
    }
  }

  /** Judges the signature, then opens a slot and the record. The caller wipes the key. */
  open(reference: BackupReference, openers: Openers, options: ReadOptions = {}): Promise<OpenedBackup> {
    return openBackup(this.#place, reference, openers, options)
  }

  /** Verified chunk by chunk; that it is whole is known when it has ended. */
  readPlain(
    { manifest, record, key }: OpenedBackup,
    { isLent = false, ...watch }: ReadOptions = {},
  ): AsyncIterable<Uint8Array> {
    return openPlain(readBody(this.#parts.target, manifest, watch), { ...manifest, key }, { record, isLent })
  }

  /** As `readPlain`, still compressed. */
  readStored({ manifest, key }: OpenedBackup, watch: ReadOptions = {}): AsyncIterable<Uint8Array> {
    return openStored(readBody(this.#parts.target, manifest, watch), { ...manifest, key })
  }

  /** Gives a backup other recipients. Its body stays; who held an old key and a copy of the manifest still opens that copy. */
  async rekey(
    reference: NumberedReference,
    openers: Openers,
    change: RecipientsChange,
  ): Promise<BackupSummary> {
    requireSeries(reference.series)
    const rekey = () => this.#rekey(reference, openers, change)
    return this.recorded({ action: 'backup.rekey', ...reference }, rekey, ({ id }) => ({ id }))
  }

  async #rekey(
    reference: NumberedReference,
    openers: Openers,
    change: RecipientsChange,
  ): Promise<BackupSummary> {
    const { key, manifest } = await this.open(reference, openers)
    try {
      requireKeyElsewhere(manifest.header.source, change.recipients)
      const slots = await makeSlots(key, manifest.header.id, change.recipients, change.coffre)
      const text = await signWithCoffre(change.coffre, manifestText({ ...manifest, slots }))
      const { version } = await this.#find(manifest)
      await this.#parts.target.write(manifestName(reference.series, reference.sequence), once(text), {
        ifVersion: version,
        bytes: Buffer.byteLength(text),
      })
      return await this.inspect(reference)
    } finally {
      key.wipe()
    }
  }

  async prune(coffre: BackupCoffre, options: Omit<PruneOptions, 'now'>): Promise<BackupPruning> {
    const { series, dryRun } = options
    requireSeries(series)
    const parts = { ...this.#place, writer: this.#writer(coffre) }
    const work = () => prune(parts, { ...options, now: this.#parts.clock() })
    if (dryRun === true) return work()
    return this.recorded({ action: 'backup.prune', series }, work, ({ removed }) => ({
      removed: removed.length,
    }))
  }

  /** Leaves a record in the log of the Coffre that vouches for these backups, where there is one. */
  async record(event: BackupEvent): Promise<void> {
    await this.#parts.trail?.record(event)
  }

  /** Does `work` and records how it ended. */
  recorded<Result>(
    event: BackupEvent,
    work: () => Promise<Result>,
    describe?: (result: Result) => Partial<BackupEvent>,
  ): Promise<Result> {
    return recorded(this.#parts, event, work, describe)
  }

  /** Who else may read or write the target. */
  warnings(): Promise<readonly ObjectStoreWarning[]> {
    return this.#parts.target.warnings()
  }

  /** Closes the target. */
  close(): Promise<void> {
    return this.#parts.target.close()
  }

  get #place() {
    return { target: this.#parts.target, reader: this.#reader }
  }

  /** Whoever changes what a series holds signs. */
  #writer(coffre: BackupCoffre): SeriesWriter {
    return new SeriesWriter(this.#parts.target, this.#reader, (text) => signWithCoffre(coffre, text))
  }

  async #makeHeader(source: BackupSource, options: CreateOptions): Promise<BackupHeader> {
    const { series, compression = 'zstd', note } = options
    const header: BackupHeader = {
      id: randomUuidV7(),
      series,
      source: source.kind,
      compression,
      createdAt: formatInstant(this.#parts.clock()),
      facts: await source.describe(),
    }
    return note === undefined ? header : { ...header, note }
  }

  async #writeBody(
    source: BackupSource,
    subject: { readonly key: KeyMaterial; readonly header: BackupHeader; readonly headerLine: string },
    { signal = new AbortController().signal, onProgress }: CreateOptions,
  ): Promise<BodyTotals> {
    const sealing = new BodySealing(subject)
    const name = bodyName(subject.header.series, subject.header.id)
    const progress = new ProgressTeller(onProgress, extentOf(source, subject.header.facts))
    const body = sealing.stream(source.read(signal), (bytes) => progress.tell(bytes))
    await this.#parts.target.write(name, body, { ifAbsent: true, signal })
    progress.end()
    return sealing.totals()
  }

  async #newestOf(series: string): Promise<Pick<BackupSeries, 'newest' | 'error'>> {
    try {
      return { newest: await this.inspect({ series }) }
    } catch (error) {
      if (error instanceof CoffreError && error.code.startsWith('BACKUP_')) return { error: error.code }
      throw error
    }
  }

  async #find({ header, body }: Manifest) {
    const object = await this.#parts.target.find(manifestName(header.series, body.sequence))
    if (object !== undefined) return object
    throw new CoffreError('BACKUP_NOT_FOUND', { facts: { series: header.series, sequence: body.sequence } })
  }
}

function describe({ id, sequence, bodyBytes }: BackupSummary): Partial<BackupEvent> {
  return { id, sequence, bytes: bodyBytes }
}

function pickRecord({ plainBytes, plainSha256, storedBytes }: BodyTotals) {
  return { plainBytes, plainSha256, storedBytes }
}

/** A Coffre whose backup only its own key opens is lost with that key. Throws CONFIG_REFUSED. */
function requireKeyElsewhere(source: BackupSourceKind, { passphrase, recovery = [] }: Recipients): void {
  if (source !== 'coffre' || passphrase !== undefined || recovery.length > 0) return
  const expected = 'a recovery key or a passphrase: the key of this Coffre lies in what is backed up'
  throw new CoffreError('CONFIG_REFUSED', { facts: { at: 'recipients', expected } })
}

/** Throws CONFIG_REFUSED. The other recipients are random keys of ours. */
function requireApart({ passphrase }: Recipients, others: readonly NamedSecret[] = []): void {
  if (passphrase !== undefined) requireSeparate([{ name: 'passphrase', value: passphrase }], others)
}
