import type { BatchItem, ContextPairs, Decrypted, KeyView } from '../../src/model/coffre.ts'
import type { Application, StoredDocument } from './application.ts'
import type { Connection, EnergyCoffre } from './connection.ts'
import { drawFrom, type EnergyData } from './generator.ts'
import type { Phase, Reporter } from './reporter.ts'

export const KEY_NAME = 'database_encryption'
/**
 * By what a context names (`Connection.contextDate`). A month's documents share a process, so larger pages pay;
 * small runs still have several pages between two changes of the key.
 */
const PAGES = { day: { largest: 100, fewest: 40 }, month: { largest: 400, fewest: 4 } }
const WRITERS = 4
const READ_ITEMS = 8
const INSPECTED = 8

export interface ScenarioParts {
  readonly connection: Connection
  readonly application: Application
  readonly data: EnergyData
  readonly reporter: Reporter
}

export interface Summary {
  readonly documents: number
  readonly points: number
  readonly bytes: number
  /** `{ "1": "destroyed", "2": "active", "3": "deactivated" }` */
  readonly versions: Readonly<Record<string, string>>
  readonly written: number
  readonly rewrapped: number
  /** Documents that were decrypted and compared while others were written or rewrapped. */
  readonly readMeanwhile: number
  readonly seconds: Readonly<Record<Phase, number>>
  readonly auditSize: number
  readonly auditRoot: string
}

/** Each comes due at a share of the documents written, while reads and writes go on. */
const CHANGES = [
  { at: 0.25, event: 'rotated', run: (coffre: EnergyCoffre) => coffre.keys.rotate(KEY_NAME) },
  { at: 0.5, event: 'rotated', run: (coffre: EnergyCoffre) => coffre.keys.rotate(KEY_NAME) },
  { at: 0.75, event: 'rolled back', run: (coffre: EnergyCoffre) => coffre.keys.rollback(KEY_NAME) },
]

/**
 * The life of one key under an application. Where it stands is read from the key and from the application's own
 * table, never remembered beside them, so a run after a kill goes on where the last one died.
 */
export class Scenario {
  readonly #parts: ScenarioParts
  readonly #coffre: EnergyCoffre
  readonly #pageSize: number
  readonly #seconds: Record<Phase, number> = { write: 0, rewrap: 0, retire: 0, compare: 0 }
  #changesDone = 0
  #changing = false
  #written = 0
  #rewrapped = 0
  #read = 0

  constructor(parts: ScenarioParts) {
    this.#parts = parts
    this.#coffre = parts.connection.coffre
    const { largest, fewest } = PAGES[parts.connection.contextDate]
    this.#pageSize = Math.max(1, Math.min(largest, Math.floor(parts.data.count / fewest)))
  }

  async run(): Promise<Summary> {
    const key = await this.#prepareKey()
    this.#changesDone = countChanges(key)
    await this.#timed('write', () => this.#withReader(() => this.#write()))
    await this.#timed('rewrap', () => this.#withReader(() => this.#rewrap()))
    await this.#timed('retire', () => this.#retireOldest())
    return this.#timed('compare', () => this.#compare())
  }

  async #timed<Result>(phase: Phase, work: () => Promise<Result>): Promise<Result> {
    const startedAt = performance.now()
    const result = await work()
    this.#seconds[phase] = Math.round(performance.now() - startedAt) / 1_000
    return result
  }

  async #prepareKey(): Promise<KeyView> {
    try {
      return await this.#coffre.keys.get(KEY_NAME)
    } catch (error) {
      if (codeOf(error) !== 'KEY_NOT_FOUND') throw error
      const key = await this.#coffre.keys.create({ name: KEY_NAME })
      this.#parts.reporter.note({ event: 'created', key: KEY_NAME })
      return key
    }
  }

  /** Encrypts what is not stored yet, by several writers that share the batches. */
  async #write(): Promise<void> {
    const { data, application } = this.#parts
    const stored = application.positions()
    const missing = Array.from({ length: data.count }, (_, position) => position).filter(
      (it) => !stored.has(it),
    )
    const pages = cut(missing, this.#pageSize).values()
    const write = async () => {
      for (const page of pages) {
        await this.#writePage(page)
        await this.#changeKeyWhenDue()
      }
    }
    await Promise.all(Array.from({ length: WRITERS }, write))
    await this.#changeKeyWhenDue()
  }

  async #writePage(positions: readonly number[]): Promise<void> {
    const { data, application, reporter } = this.#parts
    const items = positions.map((position) => {
      const { kind, date, text } = data.at(position)
      return { key: KEY_NAME, plaintext: text, context: this.#contextOf(kind, date) }
    })
    const sealed = (await this.#coffre.batch('encrypt', items)).map(valueOf)
    application.store(
      sealed.map(({ ciphertext, version }, index) => {
        return { position: at(positions, index), context: at(items, index).context, ciphertext, version }
      }),
    )
    this.#written += positions.length
    reporter.progress('write', application.size, data.count)
  }

  #contextOf(kind: string, date: string): ContextPairs {
    const { data, connection } = this.#parts
    return { pdl: data.pdl, kind, date: connection.contextDate === 'day' ? date : date.slice(0, 7) }
  }

  /** One writer at a time does it; the others and the reader go on meanwhile. */
  async #changeKeyWhenDue(): Promise<void> {
    if (this.#changing) return
    this.#changing = true
    const { application, data, reporter } = this.#parts
    for (const change of CHANGES.slice(this.#changesDone)) {
      if (application.size < change.at * data.count) break
      const { currentVersion } = await change.run(this.#coffre)
      this.#changesDone += 1
      reporter.note({ event: change.event, current: currentVersion ?? 0, stored: application.size })
    }
    this.#changing = false
  }

  /** Page by page to the current version: the plaintext never comes here. */
  async #rewrap(): Promise<void> {
    const { application, reporter, data } = this.#parts
    const current = currentOf(await this.#coffre.keys.get(KEY_NAME))
    for (;;) {
      const page = application.pageOfOthers(current, this.#pageSize)
      if (page.length === 0) return
      const items = page.map(({ ciphertext, context }) => ({ ciphertext, context }))
      const sealed = (await this.#coffre.batch('rewrap', items)).map(valueOf)
      application.store(
        sealed.map(({ ciphertext, version }, index) => ({ ...at(page, index), ciphertext, version })),
      )
      this.#rewrapped += page.length
      reporter.progress('rewrap', application.countByVersion().get(current) ?? 0, data.count)
    }
  }

  /** The oldest version goes only when no row names it, and Coffre refuses as long as it may be needed. */
  async #retireOldest(): Promise<void> {
    const { application, reporter } = this.#parts
    const key = await this.#coffre.keys.get(KEY_NAME)
    const current = currentOf(key)
    if (key.floor < current) {
      await this.#expectRefusal(1)
      const needed = [...application.countByVersion().keys()].filter((version) => version !== current)
      if (needed.length > 0) throw new Error(`rows still name version ${needed.join(', ')}`)
      await this.#inspectSome(current)
      await this.#coffre.keys.setFloor(KEY_NAME, current)
      reporter.note({ event: 'floor raised', floor: current })
    }
    if (key.versions.some(({ version, state }) => version === 1 && state !== 'destroyed')) {
      await this.#coffre.keys.destroy(KEY_NAME, { version: 1 })
      reporter.note({ event: 'destroyed', version: 1 })
    }
    reporter.progress('retire', 1, 1)
  }

  async #expectRefusal(version: number): Promise<void> {
    const refused = await this.#coffre.keys.destroy(KEY_NAME, { version }).then(
      () => undefined,
      (error: unknown) => codeOf(error),
    )
    if (refused !== 'KEY_VERSION_NEEDED') throw new Error(`destroying version ${version} was not refused`)
    this.#parts.reporter.note({ event: 'destruction refused', version, code: refused })
  }

  /** The version in the table is what the ciphertext itself says. */
  async #inspectSome(current: number): Promise<void> {
    const { application, data } = this.#parts
    const step = Math.max(1, Math.floor(data.count / INSPECTED))
    for (let position = 0; position < data.count; position += step) {
      const [row] = application.page(position - 1, 1)
      const { version, key } = await this.#coffre.inspect(row?.ciphertext ?? '')
      if (version !== current || key !== KEY_NAME)
        throw new Error(`document ${position} is not under ${current}`)
    }
  }

  /** Every byte of every document against a fresh run of the generator. */
  async #compare(): Promise<Summary> {
    const { application, data, reporter } = this.#parts
    const audit = await this.#coffre.audit.verify()
    if (!audit.valid) throw new Error(`the audit log is damaged at ${audit.firstBadIndex ?? '?'}`)
    let [documents, points, bytes] = [0, 0, 0]
    for (let page = application.page(-1, this.#pageSize); page.length > 0; ) {
      await this.#decryptAndCompare(page)
      for (const { position } of page) {
        const { text, points: measured } = data.at(position)
        points += measured
        bytes += Buffer.byteLength(text)
      }
      documents += page.length
      reporter.progress('compare', documents, data.count)
      page = application.page(at(page, page.length - 1).position, this.#pageSize)
    }
    if (documents !== data.count) throw new Error(`${data.count - documents} documents are missing`)
    return this.#summarise({ documents, points, bytes, audit })
  }

  async #summarise(found: {
    readonly documents: number
    readonly points: number
    readonly bytes: number
    readonly audit: { readonly size: number; readonly rootHash: string }
  }): Promise<Summary> {
    const key = await this.#coffre.keys.get(KEY_NAME)
    currentOf(key)
    return {
      documents: found.documents,
      points: found.points,
      bytes: found.bytes,
      versions: Object.fromEntries(key.versions.map(({ version, state }) => [version, state])),
      written: this.#written,
      rewrapped: this.#rewrapped,
      readMeanwhile: this.#read,
      seconds: this.#seconds,
      auditSize: found.audit.size,
      auditRoot: found.audit.rootHash,
    }
  }

  /** Reads documents at random as long as `work` runs. */
  async #withReader(work: () => Promise<void>): Promise<void> {
    const stop = new AbortController()
    await Promise.all([this.#readUntil(stop.signal), work().finally(() => stop.abort())])
  }

  async #readUntil(signal: AbortSignal): Promise<void> {
    const { application, data } = this.#parts
    const draw = drawFrom(1)
    while (!signal.aborted) {
      const rows = application.page(Math.floor(draw() * data.count) - 1, READ_ITEMS)
      await this.#decryptAndCompare(rows)
      this.#read += rows.length
      // The writers have their turn even where the table is still empty.
      await new Promise(setImmediate)
    }
  }

  async #decryptAndCompare(rows: readonly StoredDocument[]): Promise<void> {
    if (rows.length === 0) return
    const items = rows.map(({ ciphertext, context }) => ({ ciphertext, context }))
    const opened: readonly BatchItem<Decrypted>[] = await this.#coffre.batch('decrypt', items)
    for (const [index, item] of opened.entries()) {
      const { position } = at(rows, index)
      const expected = Buffer.from(this.#parts.data.at(position).text)
      if (!expected.equals(valueOf(item).plaintext))
        throw new Error(`document ${position} is not what was written`)
    }
  }
}

/** How many of CHANGES the key has been through: each rotation added a version, the rollback went back by one. */
function countChanges(key: KeyView): number {
  const rotations = key.versions.length - 1
  return rotations === 2 && key.currentVersion !== 3 ? 3 : rotations
}

/** Throws unless exactly one version protects new data. */
function currentOf(key: KeyView): number {
  const active = key.versions.filter(({ state }) => state === 'active')
  if (active.length !== 1) throw new Error(`${active.length} versions are active`)
  return at(active, 0).version
}

function valueOf<Value>(item: BatchItem<Value>): Value {
  if (item.ok) return item.value
  throw Object.assign(new Error(item.error.message), { code: item.error.code })
}

/** The code of a CoffreError, whichever build of the package it comes from. */
function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error ? String(error.code) : undefined
}

function cut<Item>(items: readonly Item[], size: number): readonly (readonly Item[])[] {
  return Array.from({ length: Math.ceil(items.length / size) }, (_, index) =>
    items.slice(index * size, (index + 1) * size),
  )
}

function at<Item>(items: readonly Item[], index: number): Item {
  const item = items[index]
  if (item === undefined) throw new Error(`there is no item ${index}`)
  return item
}
