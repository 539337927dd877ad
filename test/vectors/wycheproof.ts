import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'

/** C2SP's Wycheproof is data of others and lies outside this repository. */
const FOLDER = join(
  process.env['COFFRE_VECTORS'] ?? join(import.meta.dirname, '../../../shared/vectors'),
  'wycheproof/testvectors_v1',
)

export const SKIP_WITHOUT_VECTORS: string | false = existsSync(FOLDER)
  ? false
  : 'no Wycheproof vectors; put them at ../shared/vectors or set COFFRE_VECTORS'

/** Fields are hex text, numbers or objects; each suite knows its own. */
type Fields = Readonly<Record<string, unknown>>

export interface WycheproofGroup {
  readonly fields: Fields
}

export interface WycheproofCase {
  readonly id: number
  readonly result: 'valid' | 'invalid' | 'acceptable'
  readonly flags: readonly string[]
  readonly fields: Fields
}

export interface WycheproofSuite {
  readonly file: string
  /** A reason where Coffre has no way to ask the question; `undefined` where it runs. */
  notExpressible?(group: WycheproofGroup, vector: WycheproofCase): string | undefined
  /** Our decision on a case that the vectors leave open. Without it, every such case fails the test. */
  accepts?(vector: WycheproofCase): boolean
  /** True where Coffre accepts the case and gives the expected bytes. A key that does not load has to throw. */
  check(group: WycheproofGroup, vector: WycheproofCase): boolean | Promise<boolean>
}

export function listFiles(): readonly string[] {
  return readdirSync(FOLDER).toSorted()
}

export function bytesOf(fields: Fields, name: string): Buffer {
  const value = fields[name]
  assert.equal(typeof value, 'string', `${name} is hex`)
  return Buffer.from(String(value), 'hex')
}

export function numberOf(fields: Fields, name: string): number {
  const value = fields[name]
  assert.equal(typeof value, 'number', `${name} is a number`)
  return Number(value)
}

/** Registers one test for the file, which prints one line: run, passed, not expressible. */
export function testWycheproof(suite: WycheproofSuite): void {
  test(`${suite.file} comes out as its vectors say`, { skip: SKIP_WITHOUT_VECTORS }, async (context) => {
    const tally = await runSuite(suite)
    const reasons = [...tally.reasons].map(([reason, count]) => `${count} ${reason}`).join('; ')
    const outside = tally.reasons.size === 0 ? '0' : reasons
    context.diagnostic(
      `vectors: ${suite.file} run ${tally.run}, passed ${tally.passed}, not expressible ${outside}`,
    )
    assert.deepEqual(tally.failures, [])
    assert.ok(tally.validPassed > 0, 'no valid case passed, so nothing was tested')
  })
}

class Tally {
  run = 0
  passed = 0
  validPassed = 0
  readonly failures: string[] = []
  readonly reasons = new Map<string, number>()
}

async function runSuite(suite: WycheproofSuite): Promise<Tally> {
  const tally = new Tally()
  const groups = readGroups(suite.file)
  assert.ok(groups.length > 0)
  for (const [index, group] of groups.entries()) {
    const before = tally.validPassed
    let validRun = 0
    for (const vector of group.vectors) {
      const reason = suite.notExpressible?.(group, vector)
      if (reason !== undefined) {
        tally.reasons.set(reason, (tally.reasons.get(reason) ?? 0) + 1)
        continue
      }
      if (vector.result === 'valid') validRun += 1
      await runCase(suite, { group, vector, tally })
    }
    // A key that never loads would let every invalid case pass.
    if (validRun > 0) assert.ok(tally.validPassed > before, `group ${index}: no valid case passed`)
  }
  return tally
}

interface Step {
  readonly group: WycheproofGroup
  readonly vector: WycheproofCase
  readonly tally: Tally
}

async function runCase(suite: WycheproofSuite, { group, vector, tally }: Step): Promise<void> {
  tally.run += 1
  const expected = vector.result === 'acceptable' ? suite.accepts?.(vector) : vector.result === 'valid'
  const accepted = await suite.check(group, vector)
  if (accepted === expected) {
    tally.passed += 1
    if (accepted) tally.validPassed += 1
  } else {
    tally.failures.push(
      `case ${vector.id} (${vector.result}, ${vector.flags.join(' ')}): accepted is ${accepted}`,
    )
  }
}

export function readGroups(file: string): readonly { fields: Fields; vectors: readonly WycheproofCase[] }[] {
  const content: unknown = JSON.parse(readFileSync(join(FOLDER, file), 'utf8'))
  return listOf(content, 'testGroups').map((fields) => ({
    fields,
    vectors: listOf(fields, 'tests').map(toCase),
  }))
}

function listOf(holder: unknown, name: string): readonly Fields[] {
  assert.ok(isFields(holder))
  const list: unknown = holder[name]
  assert.ok(Array.isArray(list) && list.length > 0, `${name} is a list that is not empty`)
  return list.filter(isFields)
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null
}

function toCase(fields: Fields): WycheproofCase {
  const { result, flags = [] } = fields
  assert.ok(result === 'valid' || result === 'invalid' || result === 'acceptable')
  assert.ok(Array.isArray(flags))
  return { id: numberOf(fields, 'tcId'), result, flags: flags.map(String), fields }
}
