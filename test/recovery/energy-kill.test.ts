import assert from 'node:assert/strict'
import { test } from 'node:test'
import { makeFolder } from '../temporary.ts'
import { killEnergy } from './kill-energy.ts'

const DAYS = 60
/** npm run campaign -- kill-energy takes more, at other moments. */
const CHOICE = { kills: 3, days: DAYS, seed: 4 }

for (const via of ['library', 'http'] as const) {
  const victim = via === 'library' ? 'the application' : 'the server'
  test(`kill -9 of ${victim} in the middle of the energy example loses nothing acknowledged`, async (t) => {
    const { summary, byPhase } = await killEnergy({ ...CHOICE, via, folder: makeFolder(t) })
    assert.equal(summary.documents, 2 + 2 * DAYS)
    assert.deepEqual(summary.versions, { 1: 'destroyed', 2: 'active', 3: 'deactivated' })
    t.diagnostic(`note: ${via}, killed ${JSON.stringify(byPhase)}`)
  })
}
