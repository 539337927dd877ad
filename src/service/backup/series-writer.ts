import { sealBackupRecord } from '../../crypto/backup-body.ts'
import type { KeyMaterial } from '../../crypto/key-material.ts'
import type { BackupHeader, BackupRecord } from '../../model/backup.ts'
import { hasCode } from '../../model/errors.ts'
import type { ObjectStore } from '../../store/object-store.ts'
import type { BodyTotals } from './body-stream.ts'
import { type Catalogue, type CatalogueChange, catalogueText, changeCatalogue } from './catalogue.ts'
import { type BackupSlot, type Manifest, manifestText, parseManifest } from './manifest.ts'
import {
  catalogueName,
  entryOf,
  manifestName,
  once,
  refuseForeignCatalogue,
  type SeriesReader,
  type StoredCatalogue,
} from './series.ts'

/** Writers of one series at once overtake each other; so often only when something else is wrong. */
const MAX_ATTEMPTS = 20

/** All that a manifest says, with the key that encrypts its record. */
export interface MadeBackup {
  readonly key: KeyMaterial
  readonly header: BackupHeader
  readonly headerLine: string
  readonly slots: readonly BackupSlot[]
  readonly totals: BodyTotals
  readonly record: BackupRecord
}

/** Adds backups to a series and takes them out of its catalogue. Two machines may do so at once. */
export class SeriesWriter {
  readonly #target: ObjectStore
  readonly #reader: SeriesReader
  readonly #sign: (text: string) => Promise<string>

  constructor(target: ObjectStore, reader: SeriesReader, sign: (text: string) => Promise<string>) {
    this.#target = target
    this.#reader = reader
    this.#sign = sign
  }

  /** Once its body is there: the manifest under the next free number, then the catalogue. */
  async add(made: MadeBackup): Promise<Manifest> {
    const manifest = await this.#writeManifest(made)
    await this.#addToCatalogue(manifest)
    return manifest
  }

  /** Takes them out of the catalogue, before anybody deletes them. */
  remove(series: string, sequences: ReadonlySet<number>): Promise<void> {
    return this.#change(series, async () => ({ remove: sequences }))
  }

  /** Puts back what could not be deleted. */
  keep(series: string, manifests: readonly Manifest[]): Promise<void> {
    return this.#change(series, async () => ({ add: manifests.map(entryOf) }))
  }

  /** What is encrypted in a manifest holds its number, so it is made anew for each try. */
  async #writeManifest({ key, header, headerLine, slots, totals, record }: MadeBackup): Promise<Manifest> {
    const { bodyBytes, bodySha256 } = totals
    let sequence = await this.#nextSequence(header.series)
    for (let attempt = 1; ; attempt += 1) {
      const bodyLine = JSON.stringify({ sequence, bodyBytes, bodySha256 })
      const lines = { header: headerLine, body: bodyLine }
      const recordLine = sealBackupRecord(key, lines, JSON.stringify(record))
      const text = await this.#sign(manifestText({ headerLine, bodyLine, recordLine, slots }))
      try {
        await this.#write(manifestName(header.series, sequence), text)
        return parseManifest(text)
      } catch (error) {
        if (!isOvertaken(error) || attempt === MAX_ATTEMPTS) throw error
        sequence = Math.max(sequence + 1, await this.#nextSequence(header.series))
      }
    }
  }

  /** Above every number that the catalogue or an object has. */
  async #nextSequence(series: string): Promise<number> {
    const { catalogue } = await this.#reader.readCatalogue(series)
    let newest = catalogue.newest
    for await (const sequence of this.#reader.readSequences(series)) newest = Math.max(newest, sequence)
    return newest + 1
  }

  /** Those whose makers were killed before they got here come along. */
  #addToCatalogue(manifest: Manifest): Promise<void> {
    const { series } = manifest.header
    return this.#change(series, async ({ catalogue }) => {
      const add = new Map([[manifest.body.sequence, entryOf(manifest)]])
      for await (const sequence of this.#reader.readSequences(series)) {
        if (sequence <= catalogue.newest || add.has(sequence)) continue
        const other = await this.#reader.readManifest(series, sequence)
        if (other.isTrusted) add.set(sequence, entryOf(other.manifest))
      }
      const known = new Set(catalogue.entries.map(({ sequence }) => sequence))
      return { add: [...add.values()].filter(({ sequence }) => !known.has(sequence)) }
    })
  }

  async #change(
    series: string,
    decide: (stored: StoredCatalogue) => Promise<CatalogueChange>,
  ): Promise<void> {
    for (let attempt = 1; ; attempt += 1) {
      const stored = await this.#reader.readCatalogue(series)
      refuseForeignCatalogue(stored)
      const next = changeCatalogue(stored.catalogue, await decide(stored))
      try {
        await this.#writeCatalogue(next, stored.version)
        await this.#reader.remember(next)
        return
      } catch (error) {
        if (!isOvertaken(error) || attempt === MAX_ATTEMPTS) throw error
      }
    }
  }

  async #writeCatalogue(catalogue: Catalogue, version: string | undefined): Promise<void> {
    const text = await this.#sign(catalogueText(catalogue))
    await this.#write(catalogueName(catalogue.series), text, version)
  }

  /** A new object, or the next version of this one. */
  async #write(name: string, text: string, version?: string): Promise<void> {
    const condition = version === undefined ? { ifAbsent: true } : { ifVersion: version }
    await this.#target.write(name, once(text), { ...condition, bytes: Buffer.byteLength(text) })
  }
}

/** Whether somebody else wrote in between. */
function isOvertaken(error: unknown): boolean {
  return hasCode(error, 'OBJECT_EXISTS') || hasCode(error, 'OBJECT_CHANGED')
}
