import assert from 'node:assert/strict'
import { join } from 'node:path'
import { describe, test, type TestContext } from 'node:test'
import { makeFolder } from '../temporary.ts'
import { flipCopy, flipDatabase } from './audit-flip.ts'
import { makeSignedLog, moveRecords, requireNone, type TamperPlace } from './audit-tamper.ts'

/** A prime, so that every position within a byte is met. The whole is `npm run campaign -- audit`. */
const STEP = 211
const RECORD_TABLES = ['audit_record', 'audit_head', 'audit_checkpoint']

function makePlace(t: TestContext): TamperPlace {
  return { dataDir: makeFolder(t), checkpointFile: join(makeFolder(t), 'checkpoints') }
}

describe('a log of a hundred records', () => {
  test('shows flipped bits of every column, with the index of a record', async (t) => {
    const place = makePlace(t)
    await makeSignedLog(place, { records: 100 })
    for (const column of await flipDatabase(place, { step: STEP, tables: RECORD_TABLES })) requireNone(column)
  })
  test('shows every flipped bit of the hashes that proofs are made from, with the first record under each', async (t) => {
    const place = makePlace(t)
    // A hash is stored for each 256 records.
    await makeSignedLog(place, { records: 514, every: 257 })
    const columns = await flipDatabase(place, { step: 1, tables: ['audit_node'] })
    assert.deepEqual(
      columns.map(({ column }) => column),
      ['audit_node.level', 'audit_node.idx', 'audit_node.hash'],
    )
    for (const column of columns) requireNone(column)
  })
  test('shows flipped bits of the copy of its checkpoints', async (t) => {
    const place = makePlace(t)
    await makeSignedLog(place, { records: 100 })
    requireNone(await flipCopy(place, STEP))
  })
  test('shows deletions, swaps, duplicates, cut tails and insertions, each with the right index', async (t) => {
    const place = makePlace(t)
    requireNone(await moveRecords(place, await makeSignedLog(place, { records: 30 })))
  })
})
