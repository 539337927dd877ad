import assert from 'node:assert/strict'
import { describe, test, type TestContext } from 'node:test'
import { CheckpointSchedule } from '../../../src/audit/checkpoint/checkpoint-schedule.ts'
import { Checkpointer } from '../../../src/audit/checkpoint/checkpointer.ts'
import { changeStore, failsWith } from '../../temporary.ts'
import { append, makeLog, MemoryCopy, type SignedLog } from './signed-log.ts'

interface Scheduled extends SignedLog {
  readonly schedule: CheckpointSchedule
  readonly copy: MemoryCopy
  readonly alerts: string[]
  /** The sizes that were signed so far. */
  sizes(): Promise<readonly number[]>
}

async function makeSchedule(t: TestContext, records = 2): Promise<Scheduled> {
  const log = await makeLog(t, records)
  const copy = new MemoryCopy()
  const alerts: string[] = []
  const schedule = new CheckpointSchedule({
    makeCheckpointer: (onAlert) => new Checkpointer({ store: log.store, copy, onAlert }),
    onAlert: (alert) => void alerts.push(alert),
  })
  const sizes = async () => (await log.store.readCheckpoints(9)).map(({ size }) => size)
  // What is left to run when the test ends would find its store closed.
  t.after(() => schedule.end())
  return { ...log, schedule, copy, alerts, sizes }
}

describe('a schedule of checkpoints', () => {
  test('writes nothing before it has a key, and nothing after the end', async (t) => {
    const scheduled = await makeSchedule(t)
    const { schedule, signer } = scheduled
    assert.deepEqual(schedule.health, { size: -1, failures: 0 })
    schedule.appended(5_000)
    assert.equal(await schedule.write(), undefined)
    await schedule.begin(async () => signer)
    assert.equal((await schedule.write())?.size, 2)
    assert.deepEqual(schedule.health, { size: 2, failures: 0 })
    await append(scheduled.store, 1)
    await schedule.end()
    assert.deepEqual(await scheduled.sizes(), [3, 2])
    await append(scheduled.store, 1)
    assert.equal(await schedule.write(), undefined)
    assert.deepEqual(await scheduled.sizes(), [3, 2])
  })

  test('asks for the key once, and again after it was let go', async (t) => {
    const { schedule, signer } = await makeSchedule(t)
    let asked = 0
    const open = async () => {
      asked += 1
      return signer
    }
    await schedule.begin(open)
    await schedule.write()
    await schedule.write()
    assert.equal(asked, 1)
    await schedule.end()
    await schedule.begin(open)
    assert.equal(asked, 2)
  })

  test('a key that does not open is an alert, and the next write asks again', async (t) => {
    const { schedule, signer, alerts } = await makeSchedule(t)
    let fails = true
    await schedule.begin(async () => (fails ? Promise.reject(new Error('sealed')) : signer))
    assert.deepEqual(schedule.health, { size: -1, failures: 1, alert: 'unsigned' })
    await assert.rejects(schedule.write())
    fails = false
    assert.equal((await schedule.write())?.size, 2)
    assert.deepEqual([schedule.health, alerts], [{ size: 2, failures: 1 }, ['unsigned']])
  })

  test('each trouble is told once, until it is over', async (t) => {
    const { schedule, signer, alerts, copy, store } = await makeSchedule(t)
    await schedule.begin(async () => signer)
    await schedule.write()
    copy.fails = true
    for (let round = 0; round < 2; round += 1) {
      await append(store, 1)
      await schedule.write()
    }
    // A copy that does not read is one trouble, and one that cannot be written the next.
    assert.equal(schedule.health.alert, 'copy-unwritable')
    assert.deepEqual(alerts, ['copy-damaged', 'copy-unwritable', 'copy-damaged', 'copy-unwritable'])
    copy.fails = false
    await schedule.write()
    assert.deepEqual([schedule.health.alert, schedule.health.failures], [undefined, 4])
  })

  test('writes throw what went wrong', async (t) => {
    const { schedule, signer, store, folder } = await makeSchedule(t)
    await schedule.begin(async () => signer)
    await schedule.write()
    await append(store, 1)
    changeStore(folder, (database) => database.exec('delete from audit_record where idx = 2'))
    await assert.rejects(schedule.write(), failsWith('AUDIT_DAMAGED'))
  })
})

describe('the clock of a schedule', () => {
  const seconds = (count: number) => count * 1_000

  test('writes five seconds after a record, and does not write what is written', async (t) => {
    const scheduled = await makeSchedule(t)
    const { schedule, store, signer } = scheduled
    t.mock.timers.enable({ apis: ['setTimeout'] })
    await schedule.begin(async () => signer)
    t.mock.timers.tick(seconds(5) - 1)
    assert.equal(schedule.health.size, -1)
    t.mock.timers.tick(1)
    await untilTrue(() => schedule.health.size === 2)
    assert.deepEqual(await scheduled.sizes(), [2])
    await append(store, 1)
    schedule.appended(1)
    t.mock.timers.tick(seconds(3))
    schedule.appended(1)
    t.mock.timers.tick(seconds(2) - 1)
    assert.deepEqual(await scheduled.sizes(), [2])
    t.mock.timers.tick(1)
    await untilTrue(() => schedule.health.size === 3)
    assert.deepEqual(await scheduled.sizes(), [3, 2])
  })

  test('writes at once, but for a pause, when a thousand records wait', async (t) => {
    const scheduled = await makeSchedule(t)
    const { schedule, signer, store } = scheduled
    t.mock.timers.enable({ apis: ['setTimeout'] })
    await schedule.begin(async () => signer)
    await schedule.write()
    await append(store, 1)
    schedule.appended(999)
    t.mock.timers.tick(200)
    assert.deepEqual(await scheduled.sizes(), [2])
    schedule.appended(1)
    t.mock.timers.tick(199)
    assert.equal(schedule.health.size, 2)
    // More records do not put it off.
    schedule.appended(1)
    t.mock.timers.tick(1)
    await untilTrue(() => schedule.health.size === 3)
    assert.deepEqual(await scheduled.sizes(), [3, 2])
  })

  test('counts records before there is a key, and then waits as long as for one', async (t) => {
    const { schedule, signer } = await makeSchedule(t)
    t.mock.timers.enable({ apis: ['setTimeout'] })
    schedule.appended(1)
    t.mock.timers.tick(seconds(3))
    await schedule.begin(async () => signer)
    t.mock.timers.tick(seconds(2))
    await turns(200)
    assert.equal(schedule.health.size, -1)
    t.mock.timers.tick(seconds(3))
    await untilTrue(() => schedule.health.size === 2)
  })

  test('tries again five seconds after a failure', async (t) => {
    const scheduled = await makeSchedule(t)
    const { schedule, signer, alerts } = scheduled
    t.mock.timers.enable({ apis: ['setTimeout'] })
    let fails = true
    let tries = 0
    const open = async () => {
      tries += 1
      return fails ? Promise.reject(new Error('no key yet')) : signer
    }
    await schedule.begin(open)
    t.mock.timers.tick(seconds(5))
    await untilTrue(() => schedule.health.failures === 2)
    fails = false
    t.mock.timers.tick(seconds(5))
    await untilTrue(() => schedule.health.size === 2)
    assert.deepEqual([tries, alerts], [3, ['unsigned']])
  })

  test('does not wait longer than five seconds at the end', async (t) => {
    const { schedule, signer } = await makeSchedule(t)
    t.mock.timers.enable({ apis: ['setTimeout'] })
    await schedule.begin(async () => ({ ...signer, sign: () => Promise.withResolvers<string>().promise }))
    const ended = schedule.end()
    t.mock.timers.tick(seconds(5))
    await ended
    t.mock.timers.reset()
  })
})

async function turns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn += 1) await new Promise((resolve) => setImmediate(resolve))
}

/** Each look is a turn of the event loop. */
async function untilTrue(isSo: () => boolean): Promise<void> {
  for (let looks = 0; looks < 10_000; looks += 1) {
    if (isSo()) return
    await turns(1)
  }
  assert.fail('it did not come')
}
