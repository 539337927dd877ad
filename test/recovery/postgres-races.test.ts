import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { after, before, describe, test } from 'node:test'
import { openCoffre } from '../../src/app.ts'
import { POSTGRES_18, PostgresServer } from '../postgres-server.ts'
import { makeFolder } from '../temporary.ts'
import { killPostgres } from './kill-postgres.ts'
import { raceRotations } from './race-rotations.ts'

const STOP_CHILD = join(import.meta.dirname, 'stop-child.ts')

describe('processes that race on one PostgreSQL', { skip: POSTGRES_18.skip }, () => {
  const server = new PostgresServer()
  before(() => server.start())
  after(() => server.remove())

  test('rotations of one key by four processes leave no gap and no double', async (t) => {
    // npm run campaign -- race takes 8 processes and 10,000 rotations.
    const databaseUrl = await server.makeDatabase()
    const choice = { databaseUrl, dataDir: makeFolder(t), processes: 4, count: 80, perKey: 80 }
    const { rotations, share } = await raceRotations(choice)
    // Whoever was past its check when the target was reached adds one more.
    assert.ok(rotations >= 80 && rotations <= 84)
    t.diagnostic(`note: by process ${share.join(' to ')}`)
  })

  // In front of the first write, and between the write and its commit.
  for (const place of ['updateKey', 'appendAudit']) {
    test(`a node that is stopped before its ${place} writes nothing once another has rotated`, async (t) => {
      const databaseUrl = await server.makeDatabase()
      const dataDir = makeFolder(t)
      const coffre = await openCoffre({ databaseUrl, dataDir, createIfMissing: true })
      t.after(() => coffre.close())
      await coffre.keys.create({ name: 'k' })
      const child = spawn(process.execPath, [STOP_CHILD, databaseUrl, dataDir, place], {
        stdio: ['ignore', 'pipe', 'inherit'],
      })
      t.after(() => child.kill('SIGKILL'))
      const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
      assert.equal((await lines.next()).value, 'stopping')
      // Waits until the server has ended the session of the stopped one.
      assert.equal((await coffre.keys.rotate('k')).currentVersion, 2)
      child.kill('SIGCONT')
      assert.equal((await lines.next()).value, 'STORE_UNAVAILABLE 2')
      const { versions } = await coffre.keys.get('k')
      assert.deepEqual(
        versions.map(({ version, state }) => [version, state]),
        [
          [1, 'deactivated'],
          [2, 'active'],
        ],
      )
      const records = await coffre.audit.list({ limit: 100 })
      const rotations = records.filter((each) => each.action === 'key.rotate' && each.outcome === 'ok')
      assert.equal(rotations.length, 1)
      assert.equal((await coffre.audit.verify()).valid, true)
    })
  }

  test('kill -9 of the server under load loses nothing acknowledged, and nobody has to help', async (t) => {
    // npm run campaign -- kill-postgres takes 50.
    const own = new PostgresServer()
    t.after(() => own.remove())
    await own.start()
    const moments = [0.1, 0.9].values()
    const draw = () => moments.next().value ?? 0.5
    const result = await killPostgres({ server: own, dataDir: makeFolder(t), kills: 2, draw })
    t.diagnostic(`note: ${JSON.stringify(result)}`)
  })
})
