import assert from 'node:assert/strict'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { POSTGRES_18, startPostgres } from '../postgres-server.ts'
import { makeFolder } from '../temporary.ts'
import { killUnderLoad } from './kill-load.ts'
import { killMoves } from './kill-move.ts'

/** npm run campaign -- kill takes a thousand, at other moments. */
const KILLS = 8
const KILLED_MOVES = 4
const SEED = 1

describe('kill -9 under load, at any moment and after any call, loses nothing acknowledged', () => {
  test('on SQLite', async (t) => {
    const folder = makeFolder(t)
    const makePlace = async (number: number) => ({ dataDir: join(folder, `coffre-${number}`) })
    const result = await killUnderLoad({ folder, kills: KILLS, seed: SEED, makePlace })
    assert.ok(result.acknowledged > 0)
    t.diagnostic(`note: ${JSON.stringify(result)}`)
  })

  test('on PostgreSQL', { skip: POSTGRES_18.skip }, async (t) => {
    const server = await startPostgres(t)
    const folder = makeFolder(t)
    const makePlace = async (number: number) => ({
      dataDir: join(folder, `coffre-${number}`),
      databaseUrl: await server.makeDatabase(),
    })
    const result = await killUnderLoad({ folder, kills: KILLS, seed: SEED, makePlace })
    assert.ok(result.acknowledged > 0)
    t.diagnostic(`note: ${JSON.stringify(result)}`)
  })
})

test('kill -9 of a move to PostgreSQL loses nothing: called again it ends, and everything opens there', {
  skip: POSTGRES_18.skip,
}, async (t) => {
  const server = await startPostgres(t)
  const makeDatabase = () => server.makeDatabase()
  const result = await killMoves({ folder: makeFolder(t), kills: KILLED_MOVES, seed: SEED, makeDatabase })
  assert.equal(result.kills, KILLED_MOVES)
  t.diagnostic(`note: ${JSON.stringify(result)}`)
})
