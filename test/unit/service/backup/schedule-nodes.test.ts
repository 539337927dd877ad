import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { coreOf } from '../../../../src/app.ts'
import { toInstant } from '../../../../src/model/clock.ts'
import type { Coffre } from '../../../../src/model/coffre.ts'
import type { BackupRun } from '../../../../src/store/store.ts'
import { POSTGRES_18, startPostgres } from '../../../postgres-server.ts'
import { lookAndWait, SchedulePlace } from './schedule-place.ts'

describe('of several nodes', () => {
  test('exactly one makes a backup that is due, or notes that it was missed', {
    skip: POSTGRES_18.skip,
  }, async (t) => {
    const place = new SchedulePlace(t)
    const databaseUrl = await (await startPostgres(t)).makeDatabase()
    const first = await place.open({ databaseUrl })
    const nodes = [first, await place.open({ databaseUrl }), await place.open({ databaseUrl })]
    const look = () => Promise.all(nodes.map(({ schedules }) => lookAndWait(schedules)))
    await look()
    place.passHours(1)
    await look()
    const made = await first.coffre.backups.runs('nightly')
    assert.deepEqual(
      made.map(({ state, sequence }) => [state, sequence]),
      [['done', 1]],
    )
    place.passHours(25)
    await look()
    assert.equal(place.alerts.length, 1)
    assert.equal((await first.coffre.backups.schedule('nightly')).misses, 1)
    assert.equal((await first.coffre.backups.list('nightly')).backups.length, 1)
  })

  test('whoever finds the run of one that was killed ends it, once its lease is over', async (t) => {
    const place = new SchedulePlace(t)
    const { coffre, schedules } = await place.open()
    await lookAndWait(schedules)
    const lost = makeLost(place.now)
    await putLost(coffre, lost, 600_000)
    await lookAndWait(schedules)
    // Its lease has not ended: it may be at work.
    assert.equal((await coffre.backups.findRun(lost.id)).state, 'running')
    await assert.rejects(coffre.backups.run('nightly'), { code: 'BACKUP_RUN_UNDER_WAY' })
    await storeOf(coffre).transaction((tx) =>
      tx.finishJob({ name: 'backup:nightly', holder: 'a node that was killed', againInMs: 0 }),
    )
    await lookAndWait(schedules)
    const { state, code } = await coffre.backups.findRun(lost.id)
    assert.deepEqual([state, code], ['failed', 'BACKUP_INTERRUPTED'])
    assert.equal(place.alerts.length, 1)
    const asked = await coffre.backups.run('nightly')
    await schedules.runner.idle()
    assert.equal((await coffre.backups.findRun(asked.id)).state, 'done')
  })
})

function makeLost(now: number): BackupRun {
  return {
    id: '00000000-0000-7000-8000-000000000001',
    series: 'nightly',
    work: 'create',
    state: 'running',
    askedBy: 'schedule',
    askedAt: toInstant(now),
    startedAt: toInstant(now),
    holder: 'a node that was killed',
    bytes: 5,
  }
}

function putLost(coffre: Coffre, run: BackupRun, leaseMs: number): Promise<void> {
  return storeOf(coffre).transaction(async (tx) => {
    assert.ok(await tx.claimJob({ name: 'backup:nightly', holder: run.holder ?? '', leaseMs }))
    await tx.putBackupRun(run)
  })
}

function storeOf(coffre: Coffre) {
  const core = coreOf(coffre)
  assert.ok(core !== undefined)
  return core.store
}
