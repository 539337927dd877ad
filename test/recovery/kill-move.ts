import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { drawFrom } from '../../examples/energy/generator.ts'
import { moveStore, openCoffre } from '../../src/app.ts'
import type { ErrorCode } from '../../src/model/errors.ts'
import { failsWith } from '../temporary.ts'
import { checkInvariants, codeOf, Ledger } from './invariants.ts'

const CHILD = join(import.meta.dirname, 'move-child.ts')
const KEYS = 40
const BATCH = 25
/** After that step, so that a kill falls inside a page as well as between two. */
const MAX_DELAY_MS = 15

export interface MoveCampaign {
  /** An empty folder. */
  readonly folder: string
  readonly kills: number
  readonly seed: number
  /** The URL of a new and empty database. */
  readonly makeDatabase: () => Promise<string>
  readonly tell?: (text: string) => void
}

export interface MoveResult {
  readonly kills: number
  /** Moves that were called again until they ended. */
  readonly moves: number
  readonly ciphertexts: number
}

/** Kills `store migrate-to` again and again; called again it ends, and everything acknowledged opens there. */
export async function killMoves(campaign: MoveCampaign): Promise<MoveResult> {
  const draw = drawFrom(campaign.seed)
  const base = join(campaign.folder, 'base')
  const ledger = await fill(base)
  const steps = await countSteps(campaign, base)
  const total = { kills: 0, moves: 0, ciphertexts: ledger.kept.length }
  while (total.kills < campaign.kills) {
    const dataDir = join(campaign.folder, `move-${total.moves}`)
    cpSync(base, dataDir, { recursive: true })
    const databaseUrl = await campaign.makeDatabase()
    for (let ended = false; !ended; ) {
      const moment = { step: 1 + Math.floor(draw() * steps), delayMs: draw() * MAX_DELAY_MS }
      // The last one lives, so that every move ends.
      const step = total.kills < campaign.kills ? moment.step : Number.POSITIVE_INFINITY
      ended = await moveUntilKilled([dataDir, databaseUrl], { ...moment, step })
      if (!ended) {
        total.kills += 1
        await checkHalf(dataDir, databaseUrl)
      }
    }
    await checkMoved({ dataDir, databaseUrl, ledger })
    total.moves += 1
    campaign.tell?.(`${JSON.stringify(total)}: all decrypt from PostgreSQL, audit verifies`)
    rmSync(dataDir, { recursive: true })
  }
  return total
}

/** Keys with versions, one of them destroyed, and ciphertexts under all of them. */
async function fill(dataDir: string): Promise<Ledger> {
  const ledger = new Ledger()
  const coffre = await openCoffre({ dataDir, createIfMissing: true })
  try {
    for (let index = 0; index < KEYS; index += 1) {
      const key = `k-${index}`
      await coffre.keys.create({ name: key })
      for (const round of [1, 2]) {
        const plaintexts = Array.from({ length: BATCH }, (_, each) => `${key} ${round} ${each}`)
        const items = await coffre.batch(
          'encrypt',
          plaintexts.map((plaintext) => ({ key, plaintext })),
        )
        for (const [each, item] of items.entries()) {
          assert.ok(item.ok)
          ledger.keep({ ...item.value, plaintext: plaintexts[each] ?? '' })
        }
        ledger.settle(await coffre.keys.rotate(key))
      }
    }
    ledger.settle(await coffre.keys.setFloor('k-0', 2))
    ledger.destroy('k-0', 1)
    ledger.settle(await coffre.keys.destroy('k-0', { version: 1 }))
  } finally {
    await coffre.close()
  }
  return ledger
}

/** Of a move that nobody disturbs. */
async function countSteps({ folder, makeDatabase }: MoveCampaign, base: string): Promise<number> {
  const dataDir = join(folder, 'undisturbed')
  cpSync(base, dataDir, { recursive: true })
  let steps = 0
  await moveStore({ dataDir, databaseUrl: await makeDatabase(), tell: () => void (steps += 1) })
  return steps
}

/** Answers whether the move ended before the kill. */
async function moveUntilKilled(
  args: readonly string[],
  { step, delayMs }: { readonly step: number; readonly delayMs: number },
): Promise<boolean> {
  const child = spawn(process.execPath, [CHILD, ...args], { stdio: ['ignore', 'pipe', 'inherit'] })
  const gone = once(child, 'close')
  let steps = 0
  child.stdout.on('data', (piece: Buffer) => {
    const before = steps
    steps += piece.length
    if (before < step && steps >= step) void setTimeout(delayMs).then(() => child.kill('SIGKILL'))
  })
  const [code, signal] = (await gone) as [number | null, string | null]
  assert.ok(code === 0 || signal === 'SIGKILL', `the move ended with ${code}`)
  return code === 0
}

const HALF: ReadonlySet<ErrorCode> = new Set(['STORE_INCOMPLETE', 'NOT_INITIALISED'])

/** Nobody works with the half of it: the database refuses, unless the kill fell after the very end. */
async function checkHalf(dataDir: string, databaseUrl: string): Promise<void> {
  const code = await codeOf(async () => (await openCoffre({ dataDir, databaseUrl })).close())
  assert.ok(code === undefined || HALF.has(code), String(code))
}

async function checkMoved(moved: {
  readonly dataDir: string
  readonly databaseUrl: string
  readonly ledger: Ledger
}): Promise<void> {
  const { dataDir, databaseUrl, ledger } = moved
  await assert.rejects(openCoffre({ dataDir }), failsWith('STORE_MOVED'))
  const coffre = await openCoffre({ dataDir, databaseUrl })
  try {
    await checkInvariants(coffre, ledger)
  } finally {
    await coffre.close()
  }
}
