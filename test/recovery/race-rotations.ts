import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { openCoffre } from '../../src/app.ts'
import type { Coffre } from '../../src/model/coffre.ts'

const CHILD = join(import.meta.dirname, 'race-child.ts')
const PAGE = 1_000
const PROGRESS_MILLISECONDS = 15_000

export interface Race {
  readonly databaseUrl: string
  readonly dataDir: string
  readonly processes: number
  /** Rotations in total. */
  readonly count: number
  /** Of one key, before the next is begun. */
  readonly perKey: number
  readonly tell?: (text: string) => void
}

export interface RaceResult {
  readonly keys: number
  readonly rotations: number
  /** The fewest and the most that one process was given of one key. */
  readonly share: readonly [number, number]
}

/** Several processes rotate one key as fast as they can. No version is given twice or to nobody. */
export async function raceRotations(race: Race): Promise<RaceResult> {
  const { databaseUrl, dataDir, count, perKey, tell } = race
  const coffre = await openCoffre({ databaseUrl, dataDir, createIfMissing: true })
  let [rotations, keys, fewest, most] = [0, 0, Number.MAX_SAFE_INTEGER, 0]
  try {
    while (rotations < count) {
      const key = `raced-${keys}`
      await coffre.keys.create({ name: key })
      const from = (await coffre.audit.verify()).size
      const given = await raceOneKey(race, key, Math.min(perKey, count - rotations) + 1)
      rotations += await check(coffre, { key, given, from })
      keys += 1
      const shares = given.map((versions) => versions.length)
      ;[fewest, most] = [Math.min(fewest, ...shares), Math.max(most, ...shares)]
      tell?.(`${key}: ${rotations} of ${count} rotations, by process ${shares.join(' ')}`)
    }
    return { keys, rotations, share: [fewest, most] }
  } finally {
    await coffre.close()
  }
}

/** The versions that each process was given, in its order. All begin at the same moment. */
async function raceOneKey(race: Race, key: string, target: number): Promise<readonly (readonly number[])[]> {
  const { databaseUrl, dataDir, processes } = race
  const runners = Array.from({ length: processes }, () => {
    const child = spawn(process.execPath, [CHILD, databaseUrl, dataDir, key, String(target)], {
      stdio: ['pipe', 'pipe', 'inherit'],
    })
    const given: number[] = []
    const ready = Promise.withResolvers<void>()
    const lines = createInterface({ input: child.stdout })
    lines.on('line', (line) => (line === 'ready' ? ready.resolve() : given.push(Number(line))))
    child.once('exit', (code) => ready.reject(new Error(`a process ended with ${code}`)))
    return { child, given, ready: ready.promise, gone: once(child, 'close') as Promise<[number | null]> }
  })
  await Promise.all(runners.map(({ ready }) => ready))
  for (const { child } of runners) child.stdin.end('go\n')
  const rotated = () => runners.reduce((sum, { given }) => sum + given.length, 0)
  const progress = setInterval(() => race.tell?.(`${key}: ${rotated()} rotations`), PROGRESS_MILLISECONDS)
  try {
    for (const { gone } of runners) assert.deepEqual((await gone)[0], 0)
  } finally {
    clearInterval(progress)
  }
  return runners.map(({ given }) => given)
}

interface Outcome {
  readonly key: string
  readonly given: readonly (readonly number[])[]
  /** Where its rotations begin in the log. */
  readonly from: number
}

/** Answers how many rotations there were. */
async function check(coffre: Coffre, { key, given, from }: Outcome): Promise<number> {
  const all = given.flat().toSorted((left, right) => left - right)
  const expected = all.map((_, index) => index + 2)
  assert.deepEqual(all, expected, 'a gap or a double in what was answered')
  for (const own of given)
    assert.deepEqual(
      own,
      own.toSorted((left, right) => left - right),
    )
  const { versions, currentVersion } = await coffre.keys.get(key)
  assert.deepEqual(
    versions.map(({ version }) => version),
    [1, ...expected],
  )
  assert.equal(currentVersion, all.length + 1)
  assert.equal(versions.filter(({ state }) => state === 'active').length, 1)
  assert.deepEqual(await rotationsOf(coffre, key, from), expected, 'the history is no chain')
  assert.equal((await coffre.audit.verify()).valid, true)
  return all.length
}

async function rotationsOf(coffre: Coffre, key: string, from: number): Promise<readonly number[]> {
  const versions: number[] = []
  for (let at = from; ; at += PAGE) {
    const page = await coffre.audit.list({ from: at, limit: PAGE })
    for (const { action, outcome, body } of page) {
      const record = JSON.parse(body) as { readonly key?: string; readonly version?: number }
      if (action === 'key.rotate' && outcome === 'ok' && record.key === key)
        versions.push(record.version ?? 0)
    }
    if (page.length < PAGE) return versions
  }
}
