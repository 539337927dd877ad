import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { AuditLog } from '../../../src/audit/audit-log.ts'
import { formatRecord, NO_PREVIOUS } from '../../../src/audit/audit-record.ts'
import { LogReader } from '../../../src/audit/log-reader.ts'
import { readLog, readLogOf } from '../../../src/audit/read-log.ts'
import { verifyLog } from '../../../src/audit/verify-log.ts'
import { leafHash } from '../../../src/crypto/merkle.ts'
import { CoffreError } from '../../../src/model/errors.ts'
import { DEFAULT_TENANT, parseTenantId } from '../../../src/model/ids.ts'
import type { Reliance } from '../../../src/store/changes.ts'
import { NOW, SAMPLE_EVENT } from '../../conformance/store/sample.ts'
import { changeStore, failsWith } from '../../temporary.ts'
import { append, makeLog, MemoryCopy, readBodies, writeCheckpoint } from './signed-log.ts'

const clock = () => NOW
const other = parseTenantId('other')
const theirs = { ...SAMPLE_EVENT, principal: { ...SAMPLE_EVENT.principal, tenant: other } }

function damaged(facts: object): (error: unknown) => true {
  return (error) => {
    assert.ok(error instanceof CoffreError)
    assert.deepEqual([error.code, error.facts], ['AUDIT_DAMAGED', facts])
    return true
  }
}

describe('the writer of the log', () => {
  test('chains records of one append, of later ones and of another process', async (t) => {
    const { store } = await makeLog(t, 2)
    const [one, two] = [new AuditLog({ store, clock }), new AuditLog({ store, clock })]
    for (const log of [one, one, two, one, two]) {
      await store.transaction((tx) => log.append(tx, [SAMPLE_EVENT, SAMPLE_EVENT]))
    }
    const bodies = await readBodies(store)
    let previous = NO_PREVIOUS
    for (const [index, body] of bodies.entries()) {
      assert.equal(body, formatRecord({ index, previous, at: NOW }, SAMPLE_EVENT))
      previous = Buffer.from(leafHash(Buffer.from(body))).toString('hex')
    }
    const { valid, size } = await verifyLog(store)
    assert.deepEqual([bodies.length, valid, size], [12, true, 12])
  })

  test('tells how many records it handed over, and keeps the tenant beside the record', async (t) => {
    const { store } = await makeLog(t, 0)
    const counts: number[] = []
    const log = new AuditLog({ store, clock, onAppend: (count) => counts.push(count) })
    await store.transaction((tx) => log.append(tx, [SAMPLE_EVENT, theirs]))
    assert.deepEqual(counts, [2])
    const records = await store.readAuditRecords(0, 9)
    assert.deepEqual(
      records.map(({ tenant }) => tenant ?? DEFAULT_TENANT),
      [DEFAULT_TENANT, other],
    )
  })

  test('follows no append that was rolled back', async (t) => {
    const { store } = await makeLog(t, 1)
    const log = new AuditLog({ store, clock })
    await assert.rejects(
      store.transaction(async (tx) => {
        await log.append(tx, [theirs])
        throw new Error('and then the disk was full')
      }),
    )
    await store.transaction((tx) => log.append(tx, [SAMPLE_EVENT]))
    const { valid, size } = await verifyLog(store)
    assert.deepEqual([valid, size], [true, 2])
  })

  test('records together what comes together, but nothing that relies on what has changed', async (t) => {
    const { store } = await makeLog(t, 0)
    const log = new AuditLog({ store, clock })
    const current: Reliance = { count: await store.readChangeCount(), isTouchedBy: () => true }
    const stale: Reliance = { count: -1, isTouchedBy: () => true }
    const given = await Promise.all([log.commit(SAMPLE_EVENT), log.commit(theirs, stale)])
    assert.deepEqual(given, [true, false])
    assert.equal(await log.commit(SAMPLE_EVENT, current), true)
    assert.equal(await log.commit(SAMPLE_EVENT, stale), false)
    const { valid, size } = await verifyLog(store)
    assert.deepEqual([valid, size], [true, 2])
  })

  test('adds nothing to a log whose last record is gone', async (t) => {
    const log = await makeLog(t, 3)
    const write = () => {
      const fresh = new AuditLog({ store: log.store, clock })
      return log.store.transaction((tx) => fresh.append(tx, [SAMPLE_EVENT]))
    }
    changeStore(log.folder, (database) => database.exec('delete from audit_record where idx = 2'))
    await assert.rejects(write(), damaged({ index: 2 }))
  })

  test('waits as long as it was told', async (t) => {
    const { store } = await makeLog(t, 0)
    const hanging = new Proxy(store, {
      get: (target, name) =>
        name === 'transaction' ? () => Promise.withResolvers<void>().promise : Reflect.get(target, name),
    })
    const log = new AuditLog({ store: hanging, clock, maxWaitMs: 20 })
    await assert.rejects(log.commit(SAMPLE_EVENT), failsWith('AUDIT_UNAVAILABLE'))
  })
})

test('a principal without a name is shown by its kind alone', () => {
  const place = { index: 0, previous: NO_PREVIOUS, at: NOW }
  const token = { ...SAMPLE_EVENT.principal, kind: 'token', id: 'ci' } as const
  assert.match(formatRecord(place, SAMPLE_EVENT), /"by":"local"/)
  assert.match(formatRecord(place, { ...SAMPLE_EVENT, principal: token }), /"by":"token:ci"/)
})

describe('the reader of the log', () => {
  test('shows the members that every record has, and the body', async (t) => {
    const { store } = await makeLog(t, 3)
    const [, body = ''] = await readBodies(store)
    const shown = await readLog(store, 1, 1)
    assert.deepEqual(shown, [
      {
        index: 1,
        at: new Date(NOW).toISOString(),
        action: 'key.rotate',
        principal: 'local',
        requestId: 'request-1',
        outcome: 'ok',
        body,
      },
    ])
    const reader = new LogReader(store)
    assert.deepEqual([await reader.list(1, 1), await reader.size()], [shown, 3])
  })

  test('shows nothing for a member that is no text, and tells what is no record', async (t) => {
    const log = await makeLog(t, 2)
    const write = (body: string) =>
      changeStore(log.folder, (database) =>
        database.prepare('update audit_record set body = ? where idx = 1').run(body),
      )
    write('{"action":7,"by":"x"}')
    const [shown] = await readLog(log.store, 1, 1)
    assert.deepEqual([shown?.action, shown?.principal, shown?.at], ['', 'x', ''])
    for (const body of ['no JSON', 'null', '"text"']) {
      write(body)
      await assert.rejects(readLog(log.store, 0, 9), damaged({ index: 1 }))
    }
  })

  test('gives a tenant its own records, and none that only the column calls its own', async (t) => {
    const log = await makeLog(t, 1)
    const writer = new AuditLog({ store: log.store, clock })
    await log.store.transaction((tx) => writer.append(tx, [theirs, SAMPLE_EVENT, theirs]))
    const reader = new LogReader(log.store)
    const indexes = async (query: { from?: number; limit: number }) =>
      (await reader.listOf(other, query)).map(({ index }) => index)
    assert.deepEqual(await indexes({ from: 0, limit: 9 }), [1, 3])
    assert.deepEqual(await indexes({ from: 2, limit: 9 }), [3])
    assert.deepEqual(await indexes({ limit: 1 }), [3])
    changeStore(log.folder, (database) => {
      database.prepare('update audit_record set tenant = ? where idx = 2').run(other)
    })
    await assert.rejects(readLogOf(log.store, other, { from: 0, limit: 9 }), damaged({ index: 2 }))
  })

  test('has the newest checkpoint, the keys, the proofs and what its copy says', async (t) => {
    const log = await makeLog(t, 3)
    const copy = new MemoryCopy()
    const reader = new LogReader(log.store, copy)
    await assert.rejects(reader.checkpoint(), failsWith('NOT_FOUND'))
    assert.deepEqual((await reader.verify()).findings, ['copy-missing', 'unsigned'])
    const note = await writeCheckpoint(log, copy)
    const { rootHash } = await log.store.readAuditHead()
    const { origin } = log.signer
    const root = Buffer.from(rootHash).toString('hex')
    assert.deepEqual(await reader.checkpoint(), { origin, size: 3, rootHash: root, note })
    assert.deepEqual(
      (await reader.verifierKeys()).map(({ verifierKey }) => verifierKey),
      [log.verifierKey],
    )
    assert.equal((await reader.proveInclusion(2)).size, 3)
    assert.equal((await reader.proveInclusion(0, 2)).size, 2)
    const { from, to } = await reader.proveConsistency(1, 2)
    assert.deepEqual([from, to], [1, 2])
    assert.deepEqual(await reader.verify(), {
      valid: true,
      size: 3,
      rootHash: root,
      findings: [],
      signedSize: 3,
    })
    assert.deepEqual((await new LogReader(log.store).verify()).findings, [])
    changeStore(log.folder, (database) => database.exec("update audit_checkpoint set note = 'x'"))
    await assert.rejects(reader.checkpoint(), damaged({ part: 'checkpoint' }))
  })
})

test('verifying takes a checkpoint that an auditor kept', async (t) => {
  const log = await makeLog(t, 3)
  const kept = await writeCheckpoint(log)
  await append(log.store, 2)
  const { store, verifierKey } = log
  const { valid, signedSize } = await verifyLog(store, { checkpoint: kept, verifierKeys: [verifierKey] })
  assert.deepEqual([valid, signedSize], [true, 3])
  assert.equal((await verifyLog(store, { checkpoint: kept })).valid, true)
  const invalid = failsWith('INVALID_REQUEST')
  await assert.rejects(verifyLog(store, { checkpoint: 'no note' }), invalid)
  await assert.rejects(verifyLog(store, { checkpoint: kept, verifierKeys: ['no key'] }), invalid)
  await assert.rejects(
    verifyLog(store, { checkpoint: kept, verifierKeys: [] }),
    failsWith('SIGNATURE_INVALID'),
  )
  const { origin } = log.signer
  const forged = await log.signer.sign({ origin, size: 4, rootHash: new Uint8Array(32) })
  const { valid: agrees, reason, firstBadIndex } = await verifyLog(store, { checkpoint: forged })
  assert.deepEqual([agrees, reason, firstBadIndex], [false, 'forked', 0])
})

describe('stored hashes', () => {
  test('that are wrong, missing or too many are a damaged tree', async (t) => {
    const log = await makeLog(t, 600)
    await writeCheckpoint(log)
    const tree = async (sql: string) => {
      changeStore(log.folder, (database) => database.exec(sql))
      const { valid, reason, firstBadIndex } = await verifyLog(log.store)
      return [valid, reason, firstBadIndex]
    }
    assert.equal((await verifyLog(log.store)).valid, true)
    assert.deepEqual(await tree('insert into audit_node (level, idx, hash) values (8, 2, zeroblob(32))'), [
      false,
      'tree',
      undefined,
    ])
    assert.deepEqual(
      await tree(
        'delete from audit_node where idx = 2; update audit_node set hash = zeroblob(32) where idx = 1',
      ),
      [false, 'tree', 256],
    )
    assert.deepEqual(await tree('delete from audit_node where idx = 1'), [false, 'tree', 256])
  })
})
