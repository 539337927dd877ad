import assert from 'node:assert/strict'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { POSTGRES_18, startPostgres } from '../postgres-server.ts'
import { makeFolder } from '../temporary.ts'
import { killUnderLoad } from './kill-load.ts'

/** npm run campaign -- kill takes a thousand, at other moments. */
const KILLS = 12
const SEED = 1

describe('kill -9 under load, at any moment and after any call, loses nothing acknowledged', () => {
  test('on SQLite', async (t) => {
    const folder = makeFolder(t)
    const makePlace = async (number: number) => join(folder, `coffre-${number}`)
    const result = await killUnderLoad({ folder, kills: KILLS, seed: SEED, makePlace })
    assert.ok(result.acknowledged > 0)
    t.diagnostic(`note: ${JSON.stringify(result)}`)
  })

  test('on PostgreSQL', { skip: POSTGRES_18.skip }, async (t) => {
    const server = await startPostgres(t)
    const makePlace = () => server.makeDatabase()
    const result = await killUnderLoad({ folder: makeFolder(t), kills: KILLS, seed: SEED, makePlace })
    assert.ok(result.acknowledged > 0)
    t.diagnostic(`note: ${JSON.stringify(result)}`)
  })
})
