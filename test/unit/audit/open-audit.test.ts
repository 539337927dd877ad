import assert from 'node:assert/strict'
import { once } from 'node:events'
import { describe, test, type TestContext } from 'node:test'
import { AuditParts, warnProcess } from '../../../src/audit/open-audit.ts'
import { NOW, SAMPLE_EVENT } from '../../conformance/store/sample.ts'
import { failsWith } from '../../temporary.ts'
import { makeLog, MemoryCopy, readBodies } from './signed-log.ts'

async function makeParts(t: TestContext, records = 2) {
  const log = await makeLog(t, records)
  const copy = new MemoryCopy()
  const alerts: string[] = []
  const parts = new AuditParts({
    store: log.store,
    clock: () => NOW,
    copy,
    onAlert: (alert) => void alerts.push(alert),
  })
  t.after(() => parts.checkpoints.end())
  return { log, copy, alerts, parts }
}

describe('the parts of one log', () => {
  test('write, read, sign and copy the same log', async (t) => {
    const { log, copy, alerts, parts } = await makeParts(t)
    await parts.checkpoints.begin(async () => log.signer)
    assert.equal(await parts.trail.commit(SAMPLE_EVENT), true)
    assert.equal((await parts.checkpoints.write())?.size, 3)
    assert.deepEqual(
      (await parts.reader.list(0, 9)).map(({ body }) => body),
      await readBodies(log.store),
    )
    const { valid, signedSize, findings } = await parts.reader.verify()
    assert.deepEqual([valid, signedSize, findings], [true, 3, []])
    assert.ok(copy.text?.includes('\n3\n'))
    assert.equal(await parts.requireAgreement(), undefined)
    assert.deepEqual(alerts, [])
  })

  test('tell the schedule of records, so that many are signed soon', async (t) => {
    const { log, parts } = await makeParts(t)
    t.mock.timers.enable({ apis: ['setTimeout'] })
    await parts.checkpoints.begin(async () => log.signer)
    const events = Array.from({ length: 1_000 }, () => SAMPLE_EVENT)
    await log.store.transaction((tx) => parts.trail.append(tx, events))
    t.mock.timers.tick(200)
    for (let looks = 0; parts.checkpoints.health.size < 0; looks += 1) {
      assert.ok(looks < 10_000, 'nothing was signed')
      await new Promise((resolve) => setImmediate(resolve))
    }
    assert.equal(parts.checkpoints.health.size, 1_002)
    t.mock.timers.reset()
  })

  test('tell of a copy that is gone or damaged, and refuse a log that contradicts it', async (t) => {
    const { log, copy, alerts, parts } = await makeParts(t)
    assert.equal(await parts.requireAgreement(), 'copy-missing')
    copy.text = 'nothing\n'
    assert.equal(await parts.requireAgreement(), 'copy-damaged')
    assert.deepEqual(alerts, ['copy-missing', 'copy-damaged'])
    const { origin } = log.signer
    copy.text = await log.signer.sign({ origin, size: 9, rootHash: new Uint8Array(32) })
    assert.equal((await parts.compare()).verdict, 'rolled-back')
    await assert.rejects(parts.requireAgreement(), failsWith('AUDIT_ROLLED_BACK'))
    assert.equal(alerts.length, 2)
  })
})

test('an alert that nobody hears is a warning of the process', async () => {
  const warned = once(process, 'warning')
  warnProcess('copy-missing')
  const [warning] = (await warned) as [Error & { code?: string }]
  assert.deepEqual(
    [warning.name, warning.code, warning.message],
    ['CoffreWarning', 'copy-missing', "the audit log's checkpoints: copy-missing"],
  )
})
