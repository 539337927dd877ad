import assert from 'node:assert/strict'
import { test } from 'node:test'
import { AuditLog } from '../../src/audit/audit-log.ts'
import { verifyLog } from '../../src/audit/verify-log.ts'
import type { AuditEvent } from '../../src/model/audit-event.ts'
import { toInstant } from '../../src/model/clock.ts'
import { DEFAULT_TENANT, parseRequestId } from '../../src/model/ids.ts'
import { openSqliteStore } from '../../src/store/sqlite/open-sqlite-store.ts'
import { makeFolder } from '../temporary.ts'

test('an append that failed here and one of another process in its place keep the chain whole', async (t) => {
  const store = await openSqliteStore({ folder: makeFolder(t) })
  t.after(() => store.close())
  const clock = () => toInstant(1_800_000_000_000)
  const [here, elsewhere] = [new AuditLog({ store, clock }), new AuditLog({ store, clock })]
  await assert.rejects(
    store.transaction(async (tx) => {
      await here.append(tx, [event('request-1')])
      throw new Error('the disk is full')
    }),
  )
  await store.transaction((tx) => elsewhere.append(tx, [event('request-2')]))
  await store.transaction((tx) => here.append(tx, [event('request-3')]))
  assert.equal((await verifyLog(store)).valid, true)
})

function event(request: string): AuditEvent {
  return {
    action: 'key.rotate',
    principal: { kind: 'local', id: '', tenant: DEFAULT_TENANT },
    requestId: parseRequestId(request),
    outcome: 'ok',
  }
}
