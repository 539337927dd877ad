import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { cpSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { test, type TestContext } from 'node:test'
import { openCoffre } from '../../src/app.ts'
import type { Coffre } from '../../src/model/coffre.ts'
import { hasCode } from '../../src/model/errors.ts'
import { Secret } from '../../src/model/secret.ts'
import { makeFolder, openTemporary } from '../temporary.ts'

/** More than one page of the sweep. */
const KEYS = 110
/** Both ceremonies have fewer transactions. */
const MAX_STEPS = 40

interface Outcome {
  readonly finished: boolean
  readonly shares: readonly Secret[]
}

async function prepare(t: TestContext): Promise<{ base: string; ciphertexts: readonly string[] }> {
  const base = makeFolder(t)
  const coffre = await openTemporary(t, { dataDir: base })
  const ciphertexts: string[] = []
  for (let index = 0; index < KEYS; index += 1) {
    const key = `k${index}`
    await coffre.keys.create({ name: key })
    if (index % 10 === 0) ciphertexts.push((await coffre.encrypt({ key, plaintext: key })).ciphertext)
  }
  await coffre.close()
  return { base, ciphertexts }
}

/** Runs the task until it dies in its n-th transaction. */
async function runUntil(task: string, folder: string, fatal: number): Promise<Outcome> {
  const path = join(import.meta.dirname, 'root-child.ts')
  const child = spawn(process.execPath, [path, task, folder, String(fatal)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let output = ''
  child.stdout.on('data', (piece: Buffer) => {
    output += piece.toString()
  })
  const signal = await new Promise<string | null>((done) => child.on('close', (_code, by) => done(by)))
  const lines = output.split('\n')
  const finished = lines.includes('done')
  assert.equal(signal, finished ? null : 'SIGKILL', output)
  const shares = lines.filter((line) => line.startsWith('COFFRE-SHARE-')).map((line) => new Secret(line))
  return { finished, shares }
}

/** With the secrets of before, or else with those that the ceremony gave out. */
async function reopen(dataDir: string, shares: readonly Secret[]): Promise<{ coffre: Coffre; by: string }> {
  try {
    return { coffre: await openCoffre({ dataDir }), by: 'old' }
  } catch (error) {
    if (!hasCode(error, 'SEAL_KEY_MISSING')) throw error
    const seal = { provider: 'shamir', shares: shares.slice(0, 2) } as const
    return { coffre: await openCoffre({ dataDir, seal }), by: 'new' }
  }
}

async function checkWhole(coffre: Coffre, ciphertexts: readonly string[]): Promise<void> {
  const items = await coffre.batch(
    'decrypt',
    ciphertexts.map((ciphertext) => ({ ciphertext })),
  )
  assert.ok(items.length > 0 && items.every((item) => item.ok))
  assert.equal((await coffre.audit.verify()).valid, true)
  await coffre.keys.rotate('k0')
  await coffre.keys.create({ name: 'after' })
}

test('kill -9 in any step of a rekey leaves the old seal or the new one, and nothing between', async (t) => {
  const { base, ciphertexts } = await prepare(t)
  const opened: string[] = []
  for (let fatal = 1; fatal <= MAX_STEPS; fatal += 1) {
    const dataDir = makeFolder(t)
    cpSync(base, dataDir, { recursive: true })
    const { finished, shares } = await runUntil('rekey', dataDir, fatal)
    const { coffre, by } = await reopen(dataDir, shares)
    opened.push(by)
    await checkWhole(coffre, ciphertexts)
    await coffre.close()
    if (finished) break
  }
  assert.equal(opened.at(-1), 'new')
  // One step is the moment; closing has some after it.
  assert.deepEqual(opened, opened.toSorted().toReversed())
  assert.equal(opened[0], 'old')
  assert.ok(opened.length >= 5, `${opened.length} steps`)
})

test('kill -9 in any step of a rotation of the root loses nothing, and the next start ends it', async (t) => {
  const { base, ciphertexts } = await prepare(t)
  const total = countUnder(base, 1)
  const remaining: number[] = []
  let finished = false
  for (let fatal = 1; fatal <= MAX_STEPS && !finished; fatal += 1) {
    const dataDir = makeFolder(t)
    cpSync(base, dataDir, { recursive: true })
    finished = (await runUntil('rotate', dataDir, fatal)).finished
    remaining.push(countUnder(dataDir, 1))
    const coffre = await openCoffre({ dataDir })
    await checkWhole(coffre, ciphertexts)
    const before = await coffre.operator.status()
    while ((await coffre.operator.status()).rootRemaining !== undefined) {
      await new Promise((resolve) => setImmediate(resolve))
    }
    await coffre.close()
    // Nothing is left between two root keys.
    const generation = before.rootGeneration ?? 0
    assert.equal(countUnder(dataDir, 3 - generation), 0)
    assert.ok(countUnder(dataDir, generation) >= total)
  }
  assert.ok(finished)
  // Killed before it began, and at each page.
  for (const count of [total, total - 100, 0]) assert.ok(remaining.includes(count), remaining.join())
})

function countUnder(folder: string, root: number): number {
  const database = new DatabaseSync(join(folder, 'coffre.db'), { readOnly: true })
  try {
    const count = database.prepare(
      'select count(*) as n from key_version where root = ? and wrapped is not null',
    )
    return Number(count.get(root)?.['n'])
  } finally {
    database.close()
  }
}
