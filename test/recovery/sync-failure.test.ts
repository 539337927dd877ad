import assert from 'node:assert/strict'
import { test } from 'node:test'
import { failsWith, makeFolder, openTemporary } from '../temporary.ts'
import { interceptStatements } from './faulty-statements.ts'

const SQLITE_IOERR_FSYNC = 1_034

test('after a sync that failed nothing is written before the log is copied, synced and begun anew', async (t) => {
  const coffre = await openTemporary(t, { dataDir: makeFolder(t) })
  await coffre.keys.create({ name: 'k' })
  const statements: string[] = []
  let fails: 'commit' | 'checkpoint' | undefined = 'commit'
  const restore = interceptStatements(({ sql, database, proceed }) => {
    const text = sql.toLowerCase()
    statements.push(text)
    if (fails === 'commit' && text === 'commit') {
      fails = 'checkpoint'
      // As SQLite does, which ends the transaction by itself.
      database?.exec('rollback')
      throw syncFailure()
    }
    if (fails === 'checkpoint' && text.includes('wal_checkpoint')) {
      fails = undefined
      throw syncFailure()
    }
    return proceed()
  })
  t.after(restore)
  await assert.rejects(coffre.keys.rotate('k'), failsWith('STORE_UNAVAILABLE'))
  // The disk still fails: nothing is even begun.
  await assert.rejects(coffre.keys.rotate('k'), failsWith('STORE_UNAVAILABLE'))
  statements.length = 0
  assert.equal((await coffre.keys.rotate('k')).currentVersion, 2)
  const begin = statements.indexOf('begin immediate')
  assert.ok(statements.slice(0, begin).some((text) => text.includes('wal_checkpoint(truncate)')))
  statements.length = 0
  await coffre.keys.rotate('k')
  assert.ok(!statements.some((text) => text.includes('wal_checkpoint')), 'once is enough')
})

function syncFailure(): Error {
  return Object.assign(new Error('disk I/O error'), { code: 'ERR_SQLITE_ERROR', errcode: SQLITE_IOERR_FSYNC })
}
