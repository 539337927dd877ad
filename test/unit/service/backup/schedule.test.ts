import assert from 'node:assert/strict'
import { readdirSync, renameSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { coreOf } from '../../../../src/app.ts'
import { parseBackupSchedule } from '../../../../src/config-backups.ts'
import { DAY, HOUR, MINUTE, toInstant } from '../../../../src/model/clock.ts'
import { CoffreError } from '../../../../src/model/errors.ts'
import type { BackupSchedules } from '../../../../src/service/backup/schedule/backup-schedules.ts'
import { CronSchedule } from '../../../../src/service/backup/schedule/cron.ts'
import { lookAndWait, SchedulePlace } from './schedule-place.ts'

const at = (text: string) => toInstant(Date.parse(text))

describe('moments of a schedule', () => {
  test('come once a day in their time zone, also when clocks change', () => {
    const paris = new CronSchedule('30 2 * * *', 'Europe/Paris')
    // 29 March 2026 has no half past two, so it comes at three; 25 October has two of them.
    const moments = (from: string, count: number) => {
      let moment = at(from)
      return Array.from({ length: count }, () => {
        moment = paris.next(moment)
        return new Date(moment).toISOString()
      })
    }
    assert.deepEqual(moments('2026-03-28T12:00:00Z', 2), [
      '2026-03-29T01:00:00.000Z',
      '2026-03-30T00:30:00.000Z',
    ])
    assert.deepEqual(moments('2026-10-24T12:00:00Z', 2), [
      '2026-10-25T00:30:00.000Z',
      '2026-10-26T01:30:00.000Z',
    ])
  })

  test('that are over are counted, and the last two are known however many there are', () => {
    const minutely = new CronSchedule('* * * * *', 'UTC')
    const from = at('2026-01-01T00:00:30Z')
    assert.equal(minutely.due(from, at('2026-01-01T00:00:59Z')), undefined)
    assert.deepEqual(minutely.due(from, at('2026-01-01T00:01:00Z')), {
      newest: at('2026-01-01T00:01:00Z'),
      count: 1,
    })
    const year = minutely.due(from, at('2027-01-01T00:00:00Z'))
    assert.deepEqual(
      [year?.newest, year?.before, year?.count],
      [at('2027-01-01T00:00:00Z'), at('2026-12-31T23:59:00Z'), 1_440],
    )
  })

  test('that never come, or are no moments, are refused', () => {
    for (const [cron, zone] of [
      ['0 2 30 2 *', 'UTC'],
      ['0 25 * * *', 'UTC'],
      ['* * * * * *', 'UTC'],
      ['tomorrow', 'UTC'],
      ['0 2 * * *', 'Europe/Atlantis'],
    ] as const) {
      assert.throws(() => new CronSchedule(cron, zone), { code: 'CONFIG_REFUSED' }, `${cron} ${zone}`)
    }
  })
})

describe('the file of a schedule', () => {
  const backup = { series: 'shop', source: { postgres: { url: 'postgres://backup@db/shop' } } }
  const parse = (value: unknown, target?: string) =>
    parseBackupSchedule(JSON.stringify(value), target === undefined ? {} : { target })

  test('has two in the morning, UTC and the target of the environment where it says nothing', () => {
    const [declared] = parse({ backups: [backup] }, '/var/backups')
    assert.deepEqual(
      [declared?.cron, declared?.timeZone, declared?.target],
      ['0 2 * * *', 'UTC', '/var/backups'],
    )
  })

  test('is refused with every fault at once, and never shows a value', () => {
    const password = 'hunter2hunter2'
    const wrong = {
      backups: [
        { ...backup, source: { postgres: { url: `postgres://backup:${password}@db/shop` } } },
        { ...backup, series: 'Shop!', keep: {} },
        { ...backup, key: false },
        { ...backup, colour: 'red' },
      ],
    }
    assert.throws(
      () => parse(wrong, '/t'),
      (error: Error & { facts: Record<string, string>; code: string }) => {
        assert.equal(error.code, 'CONFIG_REFUSED')
        assert.ok(Object.keys(error.facts).length >= 4, JSON.stringify(error.facts))
        assert.ok(!JSON.stringify(error.facts).includes(password))
        return true
      },
    )
    const refused = { code: 'CONFIG_REFUSED' }
    assert.throws(() => parse({ backups: [backup] }), refused)
    assert.throws(() => parse({ backups: [backup, backup] }, '/t'), refused)
    assert.throws(() => parse({ backups: [] }, '/t'), refused)
    assert.throws(() => parseBackupSchedule('{'), refused)
  })
})

describe('a scheduled backup', () => {
  test('is made at its moment, once, and pruned by its retention', async (t) => {
    const place = new SchedulePlace(t, { keep: { last: 2 } })
    const { coffre, schedules } = await place.open()
    await lookAndWait(schedules)
    assert.equal((await coffre.backups.schedule('nightly')).health, 'none')
    for (const _ of ['first', 'second', 'third']) {
      place.now += HOUR
      await lookAndWait(schedules)
      place.now += MINUTE
      await lookAndWait(schedules)
      place.now += DAY - HOUR - MINUTE
    }
    const { health, lastSuccess, nextAt, failures, misses } = await coffre.backups.schedule('nightly')
    assert.deepEqual([health, failures, misses], ['ok', 0, 0])
    assert.equal(lastSuccess?.sequence, 3)
    assert.ok((lastSuccess?.bytes ?? 0) > 0)
    assert.equal(nextAt, '2026-01-13T02:00:00.000Z')
    const { backups } = await coffre.backups.list('nightly')
    assert.deepEqual(
      backups.map(({ sequence }) => sequence),
      [2, 3],
    )
    assert.deepEqual(place.alerts, [])
    const records = (await coffre.audit.list({ last: 200 })).filter(
      ({ action }) => action === 'backup.create',
    )
    assert.deepEqual(
      records.map(({ outcome, principal }) => `${outcome} ${principal}`),
      Array.from({ length: 3 }, () => 'ok system:backup'),
    )
  })

  test('that nobody was there for is missed, recorded and alerted once, and the next one is made', async (t) => {
    const place = new SchedulePlace(t)
    const { coffre, schedules } = await place.open()
    await lookAndWait(schedules)
    await coffre.close()
    place.passHours(50)
    const again = await place.open()
    // Before anybody has noticed: R003-29.
    assert.deepEqual(pickHealth(await again.coffre.backups.schedule('nightly')), ['missed', 3])
    await lookAndWait(again.schedules)
    await lookAndWait(again.schedules)
    assert.deepEqual(place.alerts, [{ kind: 'backup-missed', series: 'nightly', code: 'BACKUP_MISSED' }])
    const view = await again.coffre.backups.schedule('nightly')
    assert.deepEqual(pickHealth(view), ['missed', 3])
    assert.equal(view.last?.scheduledFor, '2026-01-12T02:00:00.000Z')
    const record = (await again.coffre.audit.list({ last: 200 })).findLast(
      ({ action }) => action === 'backup.create',
    )
    const { outcome, code, detail } = JSON.parse(record?.body ?? '{}') as Record<string, unknown>
    assert.deepEqual(
      [outcome, code, detail],
      [
        'refused',
        'BACKUP_MISSED',
        { series: 'nightly', scheduledFor: '2026-01-12T02:00:00.000Z', missed: 3 },
      ],
    )
    place.passHours(23)
    await lookAndWait(again.schedules)
    assert.deepEqual(pickHealth(await again.coffre.backups.schedule('nightly')), ['ok', 3])
  })

  test('shows as missed a day later when nothing ran until then', async (t) => {
    const place = new SchedulePlace(t)
    const { coffre, schedules } = await place.open()
    await lookAndWait(schedules)
    const tomorrow = new Date(place.now + 25 * HOUR).toISOString()
    assert.deepEqual(pickHealth(await coffre.backups.schedule('nightly', { at: tomorrow })), ['missed', 1])
    assert.deepEqual(pickHealth(await coffre.backups.schedule('nightly')), ['none', 0])
  })

  test('shows as missed where no server ever was, and a backup by hand makes up for it', async (t) => {
    const place = new SchedulePlace(t)
    const { coffre, schedules } = await place.open()
    const runByHand = async () => {
      await coffre.backups.run('nightly')
      await schedules.runner.idle()
    }
    await runByHand()
    assert.deepEqual(pickHealth(await coffre.backups.schedule('nightly')), ['ok', 0])
    place.passHours(25)
    assert.deepEqual(pickHealth(await coffre.backups.schedule('nightly')), ['missed', 1])
    await runByHand()
    assert.deepEqual(pickHealth(await coffre.backups.schedule('nightly')), ['ok', 0])
  })

  test('of another time from now on has missed nothing before', async (t) => {
    const place = new SchedulePlace(t)
    const { coffre, schedules } = await place.open()
    await lookAndWait(schedules)
    await coffre.close()
    place.passHours(100)
    const other = new SchedulePlace(t, { ...place.declaration, cron: '0 * * * *' })
    other.now = place.now
    const again = await place.open(other.options)
    await lookAndWait(again.schedules)
    assert.deepEqual([...place.alerts, ...other.alerts], [])
  })

  test('waits while the Coffre is sealed, and is missed when that lasts', async (t) => {
    const place = new SchedulePlace(t)
    const { coffre, schedules } = await place.open()
    await lookAndWait(schedules)
    await coffre.operator.seal()
    place.passHours(1)
    await lookAndWait(schedules)
    assert.equal((await coffre.backups.schedule('nightly')).current?.state, 'waiting')
    place.now += 16 * MINUTE
    await lookAndWait(schedules)
    assert.deepEqual(pickHealth(await coffre.backups.schedule('nightly')), ['missed', 1])
    assert.equal(place.alerts.length, 1)
    await coffre.operator.unseal()
  })

  test('waits behind another however long that takes, and is missed when its next moment comes', async (t) => {
    const place = new SchedulePlace(t)
    const { declaration, target } = place
    const text = JSON.stringify({ target, backups: [declaration, { ...declaration, series: 'second' }] })
    const { coffre, schedules } = await place.open({ backups: { declared: parseBackupSchedule(text) } })
    await lookAndWait(schedules)
    const release = await holdSource(schedules, 'nightly')
    place.passHours(1)
    await schedules.runner.look()
    place.passHours(23)
    await schedules.runner.look()
    assert.equal((await coffre.backups.schedule('second')).current?.state, 'waiting')
    assert.deepEqual(place.alerts, [])
    place.passHours(1)
    await schedules.runner.look()
    assert.deepEqual(place.alerts, [{ kind: 'backup-missed', series: 'second', code: 'BACKUP_MISSED' }])
    place.now += 30 * MINUTE
    release()
    await schedules.runner.idle()
    for (const _ of ['second', 'nightly']) await lookAndWait(schedules)
    const views = await coffre.backups.schedules()
    assert.deepEqual(
      views.map((view) => [view.series, ...pickHealth(view), view.lastSuccess?.sequence]),
      [
        ['nightly', 'ok', 0, 2],
        ['second', 'ok', 1, 1],
      ],
    )
  })

  test('is made again at its moment when a clock that was a year ahead is put right', async (t) => {
    const place = new SchedulePlace(t)
    const { coffre, schedules } = await place.open()
    await lookAndWait(schedules)
    place.passHours(365 * 24)
    await lookAndWait(schedules)
    place.passHours(-365 * 24)
    await lookAndWait(schedules)
    place.passHours(1)
    await lookAndWait(schedules)
    assert.equal((await coffre.backups.schedule('nightly')).lastSuccess?.sequence, 1)
    place.passHours(25)
    assert.equal((await coffre.backups.schedule('nightly')).health, 'missed')
  })

  test('is no failure because the store was away when it ended', async (t) => {
    const place = new SchedulePlace(t)
    const { coffre, schedules } = await place.open()
    const store = coreOf(coffre)?.store
    assert.ok(store !== undefined)
    let refusals = 2
    const transact = store.transaction.bind(store)
    store.transaction = (work) =>
      transact((tx) => {
        const put = tx.putBackupRun.bind(tx)
        tx.putBackupRun = async (run) => {
          if (run.endedAt === undefined || refusals === 0) return put(run)
          refusals -= 1
          throw new CoffreError('STORE_UNAVAILABLE')
        }
        return work(tx)
      })
    const { id } = await coffre.backups.run('nightly')
    await schedules.runner.idle()
    const { state, sequence } = await coffre.backups.findRun(id)
    assert.deepEqual([refusals, state, sequence], [0, 'done', 1])
    assert.deepEqual(place.alerts, [])
  })

  test('that fails is recorded, alerted and counted, and leaves no backup', async (t) => {
    const place = new SchedulePlace(t)
    const { coffre, schedules } = await place.open()
    await lookAndWait(schedules)
    const site = join(place.folder, 'site')
    renameSync(site, `${site}.away`)
    place.passHours(1)
    await lookAndWait(schedules)
    const view = await coffre.backups.schedule('nightly')
    assert.deepEqual([view.health, view.failures, view.last?.code], ['failed', 1, 'BACKUP_SOURCE_FAILED'])
    assert.deepEqual(place.alerts, [
      { kind: 'backup-failed', series: 'nightly', code: 'BACKUP_SOURCE_FAILED' },
    ])
    assert.deepEqual((await coffre.backups.list('nightly')).backups, [])
    renameSync(`${site}.away`, site)
    place.passHours(24)
    await lookAndWait(schedules)
    assert.equal((await coffre.backups.schedule('nightly')).health, 'ok')
  })

  test('that fails is told once, also to a listener that throws, and the next one is made', async (t) => {
    const place = new SchedulePlace(t)
    let told = 0
    const onBackupAlert = () => {
      told += 1
      throw new Error('the pager is away')
    }
    const { coffre, schedules } = await place.open({ onBackupAlert })
    await lookAndWait(schedules)
    const site = join(place.folder, 'site')
    renameSync(site, `${site}.away`)
    place.passHours(1)
    await lookAndWait(schedules)
    renameSync(`${site}.away`, site)
    place.passHours(24)
    await lookAndWait(schedules)
    assert.deepEqual([told, (await coffre.backups.schedule('nightly')).health], [1, 'ok'])
  })

  test('whose target is gone is recorded too', async (t) => {
    const place = new SchedulePlace(t)
    const { coffre, schedules } = await place.open()
    await lookAndWait(schedules)
    renameSync(place.target, `${place.target}.away`)
    place.passHours(1)
    await lookAndWait(schedules)
    const { last } = await coffre.backups.schedule('nightly')
    assert.equal(last?.state, 'failed')
    const records = (await coffre.audit.list({ last: 20 })).filter(({ action }) => action === 'backup.create')
    assert.deepEqual(
      records.map(({ outcome }) => outcome),
      ['refused'],
    )
    renameSync(`${place.target}.away`, place.target)
  })

  test('that was asked for is done now, by whoever asks, and one at a time', async (t) => {
    const place = new SchedulePlace(t)
    const { coffre, schedules } = await place.open()
    const asked = await coffre.backups.run('nightly')
    await assert.rejects(coffre.backups.run('nightly'), { code: 'BACKUP_RUN_UNDER_WAY' })
    await schedules.runner.idle()
    const run = await coffre.backups.findRun(asked.id)
    assert.deepEqual([run.state, run.sequence, run.askedBy], ['done', 1, 'local'])
    const verified = await coffre.backups.run('nightly', { work: 'verify' })
    await schedules.runner.idle()
    assert.deepEqual(
      (await coffre.backups.runs('nightly')).map(({ work, state }) => `${work} ${state}`),
      ['verify done', 'create done'],
    )
    assert.equal((await coffre.backups.findRun(verified.id)).sequence, 1)
    await assert.rejects(coffre.backups.run('weekly'), { code: 'BACKUP_SCHEDULE_NOT_FOUND' })
    await assert.rejects(coffre.backups.findRun('x'), { code: 'BACKUP_RUN_NOT_FOUND' })
  })

  test('that is under way when the Coffre closes ends as interrupted, and leaves nothing', async (t) => {
    const place = new SchedulePlace(t)
    // A pipe that nobody writes to: reading it waits.
    const { coffre, schedules } = await place.open()
    const started = Promise.withResolvers<void>()
    const declared = [...schedules.declared.values()][0]
    assert.ok(declared !== undefined)
    const source = await declared.openSource()
    Object.assign(declared, {
      openSource: async () => ({
        ...source,
        async *read(signal: AbortSignal) {
          yield Buffer.alloc(100_000, 1)
          started.resolve()
          await new Promise((_, reject) => {
            signal.addEventListener('abort', () => reject(signal.reason))
          })
        },
      }),
    })
    const asked = await coffre.backups.run('nightly')
    await started.promise
    await coffre.close()
    const again = await place.open()
    const run = await again.coffre.backups.findRun(asked.id)
    assert.deepEqual([run.state, run.code], ['failed', 'BACKUP_INTERRUPTED'])
    assert.deepEqual((await again.coffre.backups.list('nightly')).backups, [])
    const left = readdirSync(place.target, { recursive: true, encoding: 'utf8' })
    assert.deepEqual(
      left.filter((name) => name.includes('.body') || name.includes('.part')),
      [],
    )
    const records = (await again.coffre.audit.list({ last: 20 })).filter(
      ({ action }) => action === 'backup.create',
    )
    assert.equal((JSON.parse(records.at(-1)?.body ?? '{}') as { code?: string }).code, 'BACKUP_INTERRUPTED')
  })
})

function pickHealth({ health, misses }: { readonly health: string; readonly misses: number }) {
  return [health, misses]
}

/** Reading the source of a series waits until it is let go. */
async function holdSource({ declared }: BackupSchedules, series: string): Promise<() => void> {
  const each = declared.get(series)
  assert.ok(each !== undefined)
  const source = await each.openSource()
  const held = Promise.withResolvers<void>()
  Object.assign(each, {
    openSource: async () => ({
      ...source,
      async *read(signal: AbortSignal) {
        await held.promise
        yield* source.read(signal)
      },
    }),
  })
  return held.resolve
}
