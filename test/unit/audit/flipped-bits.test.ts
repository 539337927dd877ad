import assert from 'node:assert/strict'
import { test } from 'node:test'
import { verifyLog } from '../../../src/audit/verify-log.ts'
import type { Store, StoredAuditRecord } from '../../../src/store/store.ts'
import { makeLog } from './signed-log.ts'

/** A store that changes one record on its way out. */
function readThrough(store: Store, change: (record: StoredAuditRecord) => StoredAuditRecord): Store {
  return new Proxy(store, {
    get(target, name) {
      if (name === 'readAuditRecords') {
        return async (from: number, limit: number) => (await target.readAuditRecords(from, limit)).map(change)
      }
      const member: unknown = Reflect.get(target, name)
      return typeof member === 'function' ? member.bind(target) : member
    },
  })
}

test('every flipped bit of one record among a hundred is found at that record', async (t) => {
  const { store } = await makeLog(t, 100)
  const [victim] = await store.readAuditRecords(57, 1)
  assert.ok(victim !== undefined)
  const bits = Buffer.byteLength(victim.body) * 8
  assert.ok(bits > 1_000)
  for (let bit = 0; bit < bits + 256; bit += 1) {
    const flipped = readThrough(store, (record) => (record.index === 57 ? flip(record, bit, bits) : record))
    const { valid, firstBadIndex, reason } = await verifyLog(flipped)
    assert.deepEqual([valid, firstBadIndex, reason], [false, 57, 'changed'], `bit ${bit}`)
  }
})

function flip(record: StoredAuditRecord, bit: number, bodyBits: number): StoredAuditRecord {
  const bytes = Buffer.from(bit < bodyBits ? record.body : record.leafHash)
  const at = bit < bodyBits ? bit : bit - bodyBits
  bytes[at >> 3] = bytes.readUInt8(at >> 3) ^ (1 << (at & 7))
  return bit < bodyBits ? { ...record, body: bytes.toString('utf8') } : { ...record, leafHash: bytes }
}
