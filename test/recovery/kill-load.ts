import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { on, once } from 'node:events'
import { existsSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { drawFrom } from '../../examples/energy/generator.ts'
import { checkInvariants, Ledger } from './invariants.ts'
import { readJournal } from './kill-journal.ts'
import { openAt, type Place } from './kill-place.ts'

const CHILD = join(import.meta.dirname, 'kill-child.ts')
const COMPILE_CACHE = process.env['NODE_COMPILE_CACHE'] ?? join(tmpdir(), 'coffre-compile-cache')
/** Answers before a kill, so that some fall into opening and recovery and some into the load. */
const MAX_ANSWERS = 150
/** After that answer, so that a kill falls inside a commit as well as between two. */
const MAX_DELAY_MS = 20
/** A child that is to kill itself after a call and never comes to it is killed then. */
const MAX_LIFE_MS = 20_000
/** Enough for opening, unsealing and some hundred operations. */
const CALLS = 400
/** Older ciphertexts that each check takes with the new ones. */
const SAMPLE = 200
/** A check reads the whole audit log, so a store is left behind before that takes long. */
const KILLS_PER_STORE = 25

export interface KillCampaign {
  /** For the journals. */
  readonly folder: string
  readonly kills: number
  readonly seed: number
  /** A new and empty folder or database. */
  readonly makePlace: (number: number) => Promise<Place>
  readonly tell?: (text: string) => void
}

export interface KillResult {
  readonly kills: number
  readonly atRandom: number
  readonly afterCalls: number
  readonly acknowledged: number
  readonly ciphertexts: number
  /** Acknowledged. */
  readonly rekeys: number
  readonly rootRotations: number
}

/** Kills a Coffre under load again and again; each time it opens by itself and nothing acknowledged is lost. */
export async function killUnderLoad(campaign: KillCampaign): Promise<KillResult> {
  const draw = drawFrom(campaign.seed)
  const total = {
    kills: 0,
    atRandom: 0,
    afterCalls: 0,
    acknowledged: 0,
    ciphertexts: 0,
    rekeys: 0,
    rootRotations: 0,
  }
  for (let number = 0; total.kills < campaign.kills; number += 1) {
    const place = await campaign.makePlace(number)
    const store = new KilledStore(place, join(campaign.folder, `journal-${number}`))
    for (let each = 0; each < KILLS_PER_STORE && total.kills < campaign.kills; each += 1) {
      const seed = campaign.seed + total.kills
      // Every other kill falls exactly after a call, the next one each time.
      const after = total.kills % 2 === 0 ? undefined : 1 + ((total.kills >> 1) % CALLS)
      total.acknowledged += await store.killOnce({
        seed,
        after,
        delayMs: draw() * MAX_DELAY_MS,
        answers: Math.floor(draw() ** 2 * MAX_ANSWERS),
      })
      total.kills += 1
      if (after === undefined) total.atRandom += 1
      else total.afterCalls += 1
    }
    await store.checkAll()
    total.ciphertexts += store.ciphertexts
    total.rekeys += store.count('seal.rekey')
    total.rootRotations += store.count('root.rotate')
    campaign.tell?.(`${JSON.stringify(total)}: all decrypt, audit verifies`)
    rmSync(place.dataDir, { recursive: true, force: true })
  }
  return total
}

interface Kill {
  readonly seed: number
  /** The call after which the child kills itself. */
  readonly after: number | undefined
  /** Otherwise it is killed so long after so many answers. */
  readonly answers: number
  readonly delayMs: number
}

/** One store and everything that was acknowledged about it. */
class KilledStore {
  readonly #place: Place
  readonly #journal: string
  readonly #ledger = new Ledger()

  constructor(place: Place, journal: string) {
    this.#place = place
    this.#journal = journal
  }

  get ciphertexts(): number {
    return this.#ledger.kept.length
  }

  count(action: string): number {
    return this.#ledger.acknowledged.get(action) ?? 0
  }

  /** Answers how many operations were acknowledged before it died. */
  async killOnce(kill: Kill): Promise<number> {
    await runUntilKilled([JSON.stringify(this.#place), this.#journal, String(kill.seed)], kill)
    const known = this.#ledger.kept.length
    const acknowledged = existsSync(this.#journal) ? readJournal(this.#journal, this.#ledger) : 0
    rmSync(this.#journal, { force: true })
    const old = sampleOf(this.#ledger.kept.slice(0, known), kill.seed)
    await this.#check(this.#ledger.withKept([...old, ...this.#ledger.kept.slice(known)]))
    return acknowledged
  }

  checkAll(): Promise<void> {
    return this.#check(this.#ledger)
  }

  /** Opening it is all that anybody does after a kill. */
  async #check(ledger: Ledger): Promise<void> {
    const { coffre } = await openAt(this.#place)
    try {
      await checkInvariants(coffre, ledger)
      const { rootGeneration = 0 } = await coffre.operator.status()
      assert.ok(rootGeneration > this.count('root.rotate'), 'an acknowledged root key is gone')
      // What was in doubt is known now, and must stay so.
      for (const name of this.#ledger.doubts.keys()) this.#ledger.settle(await coffre.keys.get(name))
    } finally {
      await coffre.close()
    }
  }
}

async function runUntilKilled(args: readonly string[], kill: Kill): Promise<void> {
  // Most of a short life is compiling, so the children share what the first compiled.
  const cache = { NODE_COMPILE_CACHE: COMPILE_CACHE }
  const env = { ...process.env, ...cache, COFFRE_TEST_KILL_AFTER_CALL: String(kill.after ?? 0) }
  const child = spawn(process.execPath, [CHILD, ...args], { env, stdio: ['ignore', 'pipe', 'inherit'] })
  const gone = once(child, 'exit')
  const ended = new AbortController()
  const killing = killLater(child, kill, ended.signal)
  const [code, signal] = (await gone) as [number | null, string | null]
  ended.abort()
  await killing
  assert.equal(signal, 'SIGKILL', `the child ended by itself with ${code}`)
}

async function killLater(child: ChildProcess, kill: Kill, signal: AbortSignal): Promise<void> {
  try {
    if (kill.after === undefined) await waitForAnswers(child, kill.answers, signal)
    await setTimeout(kill.after === undefined ? kill.delayMs : MAX_LIFE_MS, undefined, { signal })
    child.kill('SIGKILL')
  } catch (error) {
    if (!signal.aborted) throw error
  }
}

/** The child writes one byte when it is open and one for each answer. */
async function waitForAnswers(child: ChildProcess, answers: number, signal: AbortSignal): Promise<void> {
  assert.ok(child.stdout)
  let seen = 0
  for await (const [piece] of on(child.stdout, 'data', { signal })) {
    seen += (piece as Buffer).length
    if (seen > answers) return
  }
}

function sampleOf<Item>(items: readonly Item[], seed: number): readonly Item[] {
  const draw = drawFrom(seed)
  if (items.length <= SAMPLE) return items
  return Array.from({ length: SAMPLE }, () => items[Math.floor(draw() * items.length)]).filter(
    (item) => item !== undefined,
  )
}
