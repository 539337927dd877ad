import { writeSync } from 'node:fs'
import { flushCompileCache } from 'node:module'
import { setImmediate } from 'node:timers/promises'
import { drawFrom } from '../../examples/energy/generator.ts'
import type { Coffre, KeyView } from '../../src/model/coffre.ts'
import { CoffreError } from '../../src/model/errors.ts'
import type { Kept } from './invariants.ts'
import { killAfterCall } from './kill-after-call.ts'
import { CeremonyLane } from './kill-ceremonies.ts'
import { JournalWriter } from './kill-journal.ts'
import { openAt, type Place } from './kill-place.ts'

/*
 * The process that kill-load.ts kills: four lanes ask for changes and data operations as fast as they are answered,
 * until it dies, and a fifth changes the seal and the root key under them. Each lane changes keys of its own.
 *
 * node kill-child.ts <place as JSON> <journal> <seed>   with COFFRE_TEST_KILL_AFTER_CALL it kills itself
 */
const LANES = 4
const MAX_VERSIONS = 20
const BATCH = 8
/** On a machine that is busy enough, an answer waits too long for its record. */
const SLOW_STORE: ReadonlySet<string> = new Set(['AUDIT_UNAVAILABLE', 'STORE_UNAVAILABLE'])

const [place = '{}', journalPath = '', seed = '0'] = process.argv.slice(2)
const journal = new JournalWriter(journalPath, () => writeSync(1, '.'))

/** One lane at a time works on one of its keys. */
class Lane {
  readonly #coffre: Coffre
  readonly #draw: () => number
  readonly #name: string
  #key: KeyView | undefined
  #kept: readonly Kept[] = []
  #made = 0

  constructor(coffre: Coffre, number: number) {
    this.#coffre = coffre
    this.#draw = drawFrom(Number(seed) * LANES + number)
    this.#name = `lane-${number}-${seed}`
  }

  async run(): Promise<void> {
    for (;;) {
      // A change on SQLite takes no turn of the event loop, and the ceremonies read files.
      await setImmediate()
      const key = this.#key
      try {
        if (key === undefined || key.versions.length > MAX_VERSIONS) await this.#create()
        else await this.#act(key)
      } catch (error) {
        throwUnlessSlow(error)
        // The change of this key stays in doubt; the journal says so.
        this.#key = undefined
      }
    }
  }

  async #create(): Promise<void> {
    const name = `${this.#name}-${(this.#made += 1)}`
    journal.write({ ask: 'key.create' })
    const view = await this.#coffre.keys.create({ name })
    journal.write({ got: 'key.create', view })
    this.#key = view
    this.#kept = []
  }

  async #act(key: KeyView): Promise<void> {
    const draw = this.#draw()
    const { name } = key
    if (draw < 0.35) return this.#encrypt(key)
    if (draw < 0.55) return this.#rewrap(key)
    if (draw < 0.8) return this.#change('key.rotate', name, () => this.#coffre.keys.rotate(name))
    const older = key.versions.filter(({ state }) => state === 'deactivated').at(-1)?.version
    if (older === undefined || older < key.floor) return
    if (draw < 0.95) {
      const options = { version: older }
      return this.#change('key.rollback', name, () => this.#coffre.keys.rollback(name, options))
    }
    return this.#retire(key)
  }

  /** Raises the floor by one and destroys what is below it. */
  async #retire({ name, floor, currentVersion = 1 }: KeyView): Promise<void> {
    if (floor >= currentVersion) return
    await this.#change('key.floor', name, () => this.#coffre.keys.setFloor(name, floor + 1))
    this.#kept = this.#kept.filter(({ version }) => version > floor)
    const destroy = () => this.#coffre.keys.destroy(name, { version: floor })
    await this.#change('key.destroy', name, destroy, floor)
  }

  async #change(action: string, key: string, run: () => Promise<KeyView>, destroys?: number): Promise<void> {
    journal.write({ ask: action, key, ...(destroys === undefined ? {} : { destroys }) })
    const view = await run()
    journal.write({ got: action, view })
    this.#key = view
  }

  async #encrypt({ name }: KeyView): Promise<void> {
    const plaintexts = Array.from({ length: BATCH }, () => `${name} ${this.#draw()}`)
    const context = { lane: name }
    journal.write({ ask: 'data.encrypt' })
    const items = await this.#coffre.batch(
      'encrypt',
      plaintexts.map((plaintext) => ({ key: name, plaintext, context })),
    )
    const kept = items.map((item, index): Kept => {
      if (!item.ok) throw new CoffreError(item.error.code)
      const { ciphertext, version } = item.value
      return { ciphertext, plaintext: plaintexts[index] ?? '', context, key: name, version }
    })
    journal.write({ got: 'data.encrypt', kept })
    this.#kept = [...this.#kept, ...kept].slice(-BATCH * 4)
  }

  async #rewrap({ name }: KeyView): Promise<void> {
    const olds = this.#kept.slice(0, BATCH)
    if (olds.length === 0) return
    journal.write({ ask: 'data.rewrap' })
    const items = await this.#coffre.batch(
      'rewrap',
      olds.map(({ ciphertext, context }) => ({ ciphertext, ...(context && { context }) })),
    )
    const kept = items.map((item, index): Kept => {
      const old = olds[index]
      if (!item.ok) throw new CoffreError(item.error.code)
      if (old === undefined) throw new Error('unreachable: one item for each request')
      return { ...old, key: name, ciphertext: item.value.ciphertext, version: item.value.version }
    })
    journal.write({ got: 'data.rewrap', kept })
    this.#kept = [...this.#kept.slice(BATCH), ...kept]
  }
}

async function runCeremonies(): Promise<void> {
  const lane = new CeremonyLane(opened, journal, drawFrom(Number(seed)))
  for (;;) await lane.attempt().catch(throwUnlessSlow)
}

function throwUnlessSlow(error: unknown): void {
  if (!(error instanceof CoffreError) || !SLOW_STORE.has(error.code)) throw error
}

const after = Number(process.env['COFFRE_TEST_KILL_AFTER_CALL'] ?? 0)
if (after > 0) killAfterCall(after)
const opened = await openAt(JSON.parse(place) as Place)
// Node writes it at the exit, which never comes.
flushCompileCache()
writeSync(1, '.')
await Promise.all([
  runCeremonies(),
  ...Array.from({ length: LANES }, (_, number) => new Lane(opened.coffre, number).run()),
])
