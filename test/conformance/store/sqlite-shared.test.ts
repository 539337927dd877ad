import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { promisify } from 'node:util'
import { AuditLog } from '../../../src/audit/audit-log.ts'
import { verifyLog } from '../../../src/audit/verify-log.ts'
import { hasCode } from '../../../src/model/errors.ts'
import { openSqliteStore } from '../../../src/store/sqlite/open-sqlite-store.ts'
import { makeFolder } from '../../temporary.ts'
import { NOW, SAMPLE_EVENT, sampleToken } from './sample.ts'

const RECORDS = 150
const MEMBERS = 3

describe('a folder that one parent shares with its own processes', () => {
  test('transactions of all processes exclude each other, and none is lost', async (t) => {
    const folder = makeFolder(t)
    const store = await openSqliteStore({ folder })
    t.after(() => store.close())
    const members = Array.from({ length: MEMBERS }, () => append(folder))
    const log = new AuditLog({ store, clock: () => NOW })
    for (let record = 0; record < RECORDS; record += 1) {
      await store.transaction((tx) => log.append(tx, [SAMPLE_EVENT]))
    }
    assert.deepEqual(
      await Promise.all(members),
      Array.from({ length: MEMBERS }, () => 'appended'),
    )
    const { valid, size } = await verifyLog(store)
    assert.deepEqual({ valid, size }, { valid: true, size: RECORDS * (MEMBERS + 1) })
  })

  test('what a member commits is seen by the parent at once', async (t) => {
    const folder = makeFolder(t)
    const parent = await openSqliteStore({ folder })
    const member = await openSqliteStore({ folder, share: 'member' })
    t.after(async () => {
      await member.close()
      await parent.close()
    })
    const token = sampleToken()
    await member.transaction((tx) => tx.insertToken(token))
    assert.deepEqual(await parent.findToken(token.id), token)
  })

  test('a stranger is still refused while the parent lives', async (t) => {
    const folder = makeFolder(t)
    const parent = await openSqliteStore({ folder })
    t.after(() => parent.close())
    await assert.rejects(openSqliteStore({ folder }), (error) => hasCode(error, 'STORE_IN_USE'))
  })
})

async function append(folder: string): Promise<string> {
  const child = join(import.meta.dirname, 'sqlite-child.ts')
  const { stdout } = await promisify(execFile)(process.execPath, [child, 'append', folder, String(RECORDS)])
  return stdout.trim()
}
