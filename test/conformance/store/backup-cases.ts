import assert from 'node:assert/strict'
import { test } from 'node:test'
import { addMilliseconds } from '../../../src/model/clock.ts'
import type { BackupRun, Store, StoredBackupDrill, StoredBackupSchedule } from '../../../src/store/store.ts'
import { LATER, NOW } from './sample.ts'
import type { WithStore } from './suite.ts'

const SCHEDULE: StoredBackupSchedule = {
  series: 'nightly',
  cron: '0 2 * * * UTC',
  seenUntil: NOW,
  failures: 1,
  misses: 2,
}

function makeRun(number: number, change: Partial<BackupRun> = {}): BackupRun {
  return {
    id: `00000000-0000-7000-8000-${String(number).padStart(12, '0')}`,
    series: 'nightly',
    work: 'create',
    state: 'waiting',
    askedBy: 'schedule',
    askedAt: addMilliseconds(NOW, number),
    bytes: 0,
    ...change,
  }
}

const put = (store: Store, runs: readonly BackupRun[]) =>
  store.transaction(async (tx) => {
    for (const run of runs) await tx.putBackupRun(run)
  })

export function testBackups(withStore: WithStore): void {
  test('a schedule is found as it was written last', () =>
    withStore(async (store) => {
      assert.equal(await store.findBackupSchedule('nightly'), undefined)
      for (const schedule of [SCHEDULE, { ...SCHEDULE, seenUntil: LATER, misses: 3 }]) {
        await store.transaction((tx) => tx.putBackupSchedule(schedule))
        assert.deepEqual(await store.findBackupSchedule('nightly'), schedule)
      }
    }))

  test('a drill is found as it was written last', () =>
    withStore(async (store) => {
      assert.equal(await store.findBackupDrill('nightly'), undefined)
      const passed: StoredBackupDrill = { series: 'nightly', at: NOW, sequence: 1, passedAt: NOW }
      for (const drill of [passed, { ...passed, at: LATER, sequence: 2, code: 'BACKUP_DIFFERS' as const }]) {
        await store.transaction((tx) => tx.putBackupDrill(drill))
        assert.deepEqual(await store.findBackupDrill('nightly'), drill)
      }
    }))

  test('a run is found as it was written last, open until it has ended', () =>
    withStore(async (store) => {
      const waiting = makeRun(1, { slot: NOW })
      const running = makeRun(1, { slot: NOW, state: 'running', startedAt: NOW, holder: 'a', bytes: 7 })
      const failed: BackupRun = { ...running, state: 'failed', endedAt: LATER, code: 'SEALED' }
      for (const run of [waiting, running]) {
        await put(store, [run])
        assert.deepEqual(await store.findBackupRun(run.id), run)
        assert.deepEqual(await store.listOpenBackupRuns(), [run])
      }
      await put(store, [failed])
      assert.deepEqual(await store.findBackupRun(failed.id), failed)
      assert.deepEqual(await store.listOpenBackupRuns(), [])
    }))

  test('runs are listed by series, newest first, by work and state, and pruned without losing the last success', () =>
    withStore(async (store) => {
      const ended = { endedAt: LATER } as const
      const good = makeRun(1, { state: 'done', sequence: 1, ...ended })
      const verified = makeRun(2, { state: 'done', work: 'verify', ...ended })
      const missed = [3, 4, 5].map((number) => makeRun(number, { state: 'missed', ...ended }))
      const other = makeRun(6, { series: 'other' })
      await put(store, [good, verified, ...missed, other])
      const list = (query: object) => store.listBackupRuns({ series: 'nightly', limit: 10, ...query })
      assert.deepEqual(await list({ limit: 2 }), [missed[2], missed[1]])
      assert.deepEqual(await list({ work: 'create', state: 'done' }), [good])
      await store.transaction((tx) => tx.pruneBackupRuns('nightly', 2))
      assert.deepEqual(await list({}), [missed[2], missed[1], good])
      assert.deepEqual(await store.findBackupRun(other.id), other)
    }))
}
