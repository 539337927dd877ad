import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import type { DatabaseSync } from 'node:sqlite'
import { describe, test, type TestContext } from 'node:test'
import { AuditLog } from '../../../src/audit/audit-log.ts'
import { verifyLog } from '../../../src/audit/verify-log.ts'
import type { AuditEvent } from '../../../src/model/audit-event.ts'
import { toInstant } from '../../../src/model/clock.ts'
import type { AuditVerification } from '../../../src/model/audit.ts'
import { DEFAULT_TENANT, parseKeyName, parseRequestId } from '../../../src/model/ids.ts'
import { openSqliteStore } from '../../../src/store/sqlite/open-sqlite-store.ts'
import type { Store } from '../../../src/store/store.ts'
import { changeStore, makeFolder } from '../../temporary.ts'

const NOW = toInstant(1_800_000_000_000)
const EVENT: AuditEvent = {
  action: 'key.rotate',
  principal: { kind: 'local', id: '', tenant: DEFAULT_TENANT },
  requestId: parseRequestId('request-1'),
  outcome: 'ok',
  key: parseKeyName('orders'),
}

async function fill(store: Store, records: number): Promise<void> {
  const log = new AuditLog({ store, clock: () => NOW })
  await store.transaction((tx) =>
    log.append(
      tx,
      Array.from({ length: records }, () => EVENT),
    ),
  )
}

async function verifyTampered(
  t: TestContext,
  records: number,
  change: (database: DatabaseSync) => void,
): Promise<AuditVerification> {
  const folder = makeFolder(t)
  const store = await openSqliteStore({ folder })
  await fill(store, records)
  await store.close()
  changeStore(folder, change)
  const again = await openSqliteStore({ folder })
  t.after(() => again.close())
  return await verifyLog(again)
}

function names(verification: AuditVerification, index: number | undefined, reason: string): void {
  const { valid, firstBadIndex, reason: found } = verification
  assert.deepEqual({ valid, firstBadIndex, reason: found }, { valid: false, firstBadIndex: index, reason })
}

function leafOf(body: string): Uint8Array {
  return createHash('sha256').update(Uint8Array.of(0)).update(body).digest()
}

function readBody(database: DatabaseSync, index: number): string {
  return String(database.prepare('SELECT body FROM audit_record WHERE idx = ?').get(index)?.['body'])
}

function forge(database: DatabaseSync, index: number): void {
  const body = readBody(database, index).replace('orders', 'ordres')
  database
    .prepare('UPDATE audit_record SET body = ?, leaf_hash = ? WHERE idx = ?')
    .run(body, leafOf(body), index)
}

describe('a log that was changed', () => {
  for (const records of [1, 2, 3, 10, 1_000, 1_001, 2_000]) {
    test(`is not one of ${records} records that nobody touched`, async (t) => {
      const verification = await verifyTampered(t, records, () => undefined)
      assert.equal(verification.valid, true)
      assert.equal(verification.size, records)
    })
  }
  test('is not an empty one', async (t) => {
    const store = await openSqliteStore({ folder: makeFolder(t) })
    t.after(() => store.close())
    const { valid, size, rootHash } = await verifyLog(store)
    const nothing = createHash('sha256').digest('hex')
    assert.deepEqual({ valid, size, rootHash }, { valid: true, size: 0, rootHash: nothing })
  })
  test('names the record whose body was changed', async (t) => {
    const sql = `UPDATE audit_record SET body = replace(body, 'orders', 'ordres') WHERE idx = 4`
    names(await verifyTampered(t, 10, (database) => database.exec(sql)), 4, 'changed')
  })
  test('names the record whose leaf hash was changed', async (t) => {
    const sql = `UPDATE audit_record SET leaf_hash = zeroblob(32) WHERE idx = 0`
    names(await verifyTampered(t, 10, (database) => database.exec(sql)), 0, 'changed')
  })
  test('names the record whose body and leaf hash were changed', async (t) => {
    names(await verifyTampered(t, 10, (database) => forge(database, 4)), 4, 'chain')
  })
  test('has no index for a last record that was changed with its hash: the root tells', async (t) => {
    names(await verifyTampered(t, 10, (database) => forge(database, 9)), undefined, 'head')
  })
  test('names the index of a record that was removed', async (t) => {
    const sql = 'DELETE FROM audit_record WHERE idx = 4'
    names(await verifyTampered(t, 10, (database) => database.exec(sql)), 4, 'missing')
  })
  test('names the first of two records that were exchanged', async (t) => {
    const sql = `UPDATE audit_record SET idx = 99 WHERE idx = 3;
      UPDATE audit_record SET idx = 3 WHERE idx = 6; UPDATE audit_record SET idx = 6 WHERE idx = 99`
    names(await verifyTampered(t, 10, (database) => database.exec(sql)), 3, 'misplaced')
  })
  test('names the first index of a tail that was cut', async (t) => {
    const sql = 'DELETE FROM audit_record WHERE idx >= 7'
    names(await verifyTampered(t, 10, (database) => database.exec(sql)), 7, 'missing')
  })
  test('names the first record behind the head', async (t) => {
    const change = (database: DatabaseSync) => {
      const insert = database.prepare('INSERT INTO audit_record (idx, body, leaf_hash) VALUES (?, ?, ?)')
      for (const index of [10, 11]) insert.run(index, '{}', leafOf('{}'))
    }
    names(await verifyTampered(t, 10, change), 10, 'behind the head')
  })
  test('names nothing when the head was changed', async (t) => {
    for (const column of ['root_hash', 'frontier']) {
      const sql = `UPDATE audit_head SET ${column} = zeroblob(length(${column}))`
      names(await verifyTampered(t, 10, (database) => database.exec(sql)), undefined, 'head')
    }
  })
})

test('a log that others append to meanwhile is valid', async (t) => {
  const store = await openSqliteStore({ folder: makeFolder(t) })
  t.after(() => store.close())
  await fill(store, 5)
  let appended = false
  const busy = new Proxy(store, {
    get(target, name) {
      if (name === 'readAuditRecords') {
        return async (from: number, limit: number) => {
          if (!appended) await fill(store, 3)
          appended = true
          return await target.readAuditRecords(from, limit)
        }
      }
      const member: unknown = Reflect.get(target, name)
      return typeof member === 'function' ? member.bind(target) : member
    },
  })
  const { valid, size } = await verifyLog(busy)
  assert.deepEqual({ valid, size, appended }, { valid: true, size: 5, appended: true })
})
