import { join } from 'node:path'
import { describe, test, type TestContext } from 'node:test'
import { makeFolder } from '../temporary.ts'
import {
  flipCopy,
  flipDatabase,
  makeSignedLog,
  moveRecords,
  requireNone,
  type TamperPlace,
} from './audit-tamper.ts'

/** A prime, so that every position within a byte is met. The whole is `npm run campaign -- audit`. */
const STEP = 211

function makePlace(t: TestContext): TamperPlace {
  return { dataDir: makeFolder(t), checkpointFile: join(makeFolder(t), 'checkpoints') }
}

describe('a log of a hundred records', () => {
  test('shows flipped bits of every column, with the index of a record', async (t) => {
    const place = makePlace(t)
    await makeSignedLog(place, 100)
    requireNone(await flipDatabase(place, STEP, () => undefined))
  })
  test('shows flipped bits of the copy of its checkpoints', async (t) => {
    const place = makePlace(t)
    await makeSignedLog(place, 100)
    requireNone(await flipCopy(place, STEP))
  })
  test('shows deletions, swaps, duplicates, cut tails and insertions, each with the right index', async (t) => {
    const place = makePlace(t)
    requireNone(await moveRecords(place, await makeSignedLog(place, 30)))
  })
})
