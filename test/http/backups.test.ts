import assert from 'node:assert/strict'
import { after, describe, test } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import { connectCoffre } from '../../src/client/connect-coffre.ts'
import type { BackupRunView } from '../../src/model/backup-schedule.ts'
import type { Coffre } from '../../src/model/coffre.ts'
import { failsWith } from '../temporary.ts'
import { SchedulePlace } from '../unit/service/backup/schedule-place.ts'
import { startServer } from './running-server.ts'

const place = new SchedulePlace({ after }, { keep: { last: 1 } })
const { admin, url, send, appToken } = await startServer({ after }, place.options)

async function ended({ backups }: Coffre, { id }: BackupRunView): Promise<BackupRunView> {
  for (;;) {
    const run = await backups.findRun(id)
    if (run.endedAt !== undefined) return run
    await setTimeout(50)
  }
}

async function as(role: 'auditor' | 'operator'): Promise<Coffre> {
  return connectCoffre(url, (await admin.tokens.create({ name: role, role })).token)
}

describe('through connectCoffre and a real socket', () => {
  test('an operator makes a backup, verifies it, and sees how it stands', async () => {
    const operator = await as('operator')
    const [declared] = await operator.backups.schedules()
    assert.deepEqual(
      [declared?.series, declared?.source, declared?.target, declared?.health],
      ['nightly', 'files', place.target, 'none'],
    )
    const made = await ended(operator, await operator.backups.run('nightly'))
    assert.deepEqual([made.state, made.sequence], ['done', 1])
    assert.match(made.askedBy, /^token:/)
    const verified = await ended(operator, await operator.backups.run('nightly', { work: 'verify' }))
    assert.deepEqual([verified.work, verified.state, verified.sequence], ['verify', 'done', 1])
    const { backups, missing } = await operator.backups.list('nightly')
    assert.deepEqual([backups.length, missing], [1, []])
    assert.deepEqual(await operator.backups.inspect('nightly'), backups[0])
    assert.deepEqual(await operator.backups.inspect('nightly', 1), backups[0])
    assert.deepEqual(await operator.backups.planPruning('nightly'), {
      kept: [1],
      removed: [],
      locked: [],
      orphans: [],
    })
    const view = await operator.backups.schedule('nightly')
    assert.deepEqual([view.health, view.lastSuccess?.id], ['ok', made.id])
    assert.deepEqual(
      (await operator.backups.runs('nightly', { limit: 1 })).map(({ id }) => id),
      [verified.id],
    )
    const tomorrow = new Date(place.now + 25 * 3_600_000).toISOString()
    assert.equal((await operator.backups.schedule('nightly', { at: tomorrow })).health, 'missed')
  })

  test('an auditor reads and runs nothing, an app neither', async () => {
    const auditor = await as('auditor')
    assert.equal((await auditor.backups.schedules()).length, 1)
    await assert.rejects(auditor.backups.run('nightly'), failsWith('FORBIDDEN'))
    await assert.rejects(connectCoffre(url, appToken).backups.schedules(), failsWith('FORBIDDEN'))
  })

  test('what is not there is told as problem details', async () => {
    await assert.rejects(admin.backups.schedule('weekly'), failsWith('BACKUP_SCHEDULE_NOT_FOUND'))
    await assert.rejects(admin.backups.findRun('nothing'), failsWith('BACKUP_RUN_NOT_FOUND'))
    await assert.rejects(admin.backups.inspect('nightly', 999), failsWith('BACKUP_NOT_FOUND'))
    const refused = await send('/api/v1/backups/schedules/..%2f..%2fetc', { token: appToken })
    assert.equal(refused.status, 400)
    assert.match(refused.type, /^application\/problem\+json/)
  })

  test('nothing restores', async () => {
    const { body } = await send('/openapi.json')
    const paths = Object.keys(body['paths'] as object).filter((path) => path.includes('/backups'))
    assert.ok(paths.length >= 7)
    assert.deepEqual(
      paths.filter((path) => path.includes('restore')),
      [],
    )
  })
})

describe('/metrics', () => {
  test('tells of each declared backup when it was last whole, how large, and whether there is trouble', async () => {
    await ended(admin, await admin.backups.run('nightly'))
    const { body } = await send('/metrics')
    const lines = String(body['text']).split('\n')
    const value = (name: string) => {
      const line = lines.find((each) => each.startsWith(`${name}{series="nightly"} `))
      return line === undefined ? undefined : Number(line.split(' ')[1])
    }
    assert.equal(value('coffre_backup_last_success_seconds'), Math.floor(place.now / 1_000))
    assert.ok((value('coffre_backup_last_size_bytes') ?? 0) > 0)
    assert.equal(value('coffre_backup_last_duration_seconds'), 0)
    assert.equal(value('coffre_backup_trouble'), 0)
    assert.equal(value('coffre_backup_failures_total'), 0)
    assert.equal(value('coffre_backup_misses_total'), 0)
    assert.ok(
      lines.some((line) =>
        line.startsWith('coffre_backup_events_total{action="backup.create",outcome="ok"}'),
      ),
    )
  })
})
