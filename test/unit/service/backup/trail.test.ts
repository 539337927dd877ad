import assert from 'node:assert/strict'
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { restoreBackup } from '../../../../src/service/backup/restore.ts'
import { fileTarget } from '../../../../src/store/source/stream-target.ts'
import { makeFolder } from '../../../temporary.ts'
import { BackupPlace, RECOVERY_PUBLIC, RECOVERY_SEED, sourceOf } from './backup-place.ts'

const NEWEST = { series: 'nightly' }
const RECOVERY = { recoveryKey: RECOVERY_SEED }

interface Seen {
  readonly action: string
  readonly outcome: string
  readonly code?: string
  readonly detail: Readonly<Record<string, unknown>>
}

/** Records of backups alone, oldest first, without how long each took. */
async function readTrail({ coffre }: BackupPlace): Promise<readonly Seen[]> {
  const records = await coffre.audit.list({ last: 100 })
  return records
    .filter(({ action }) => action.startsWith('backup.'))
    .map(({ body }) => {
      const { action, outcome, code, detail } = JSON.parse(body) as Seen
      const { milliseconds: _, ...rest } = detail
      return { action, outcome, ...(code === undefined ? {} : { code }), detail: rest }
    })
}

describe('the audit log of an embedded Coffre', () => {
  test('holds what was made, verified, given other recipients and removed', async (t) => {
    const place = await BackupPlace.open(t)
    const backups = await place.backups()
    const { id, bodyBytes } = await place.create('one')
    await backups.verify(NEWEST, RECOVERY)
    const change = { recipients: { recovery: [RECOVERY_PUBLIC] }, coffre: place.coffre }
    await backups.rekey({ ...NEWEST, sequence: 1 }, RECOVERY, change)
    await place.create('two')
    await backups.prune(place.coffre, { ...NEWEST, retention: { last: 1 }, dryRun: true })
    await backups.prune(place.coffre, { ...NEWEST, retention: { last: 1 } })
    const trail = await readTrail(place)
    assert.deepEqual(
      trail.map(({ action, outcome }) => `${action} ${outcome}`),
      ['backup.create ok', 'backup.verify ok', 'backup.rekey ok', 'backup.create ok', 'backup.prune ok'],
    )
    assert.deepEqual(trail[0]?.detail, { series: 'nightly', id, sequence: 1, bytes: bodyBytes })
    assert.deepEqual(trail[1]?.detail, { series: 'nightly', id, sequence: 1, bytes: 3 })
    assert.deepEqual(trail[4]?.detail, { series: 'nightly', removed: 1 })
  })

  test('holds what failed, and why', async (t) => {
    const place = await BackupPlace.open(t)
    const backups = await place.backups()
    const failing = {
      ...sourceOf('x'),
      async *read() {
        yield Buffer.from('the first half')
        throw new Error('the program was killed')
      },
    }
    const options = { series: 'nightly', recipients: { key: 'backup' } }
    await assert.rejects(backups.create(failing, place.coffre, options), /killed/)
    const { id } = await place.create('one')
    rmSync(join(place.folder, 'nightly', `${id}.body`))
    await assert.rejects(backups.verify(NEWEST, RECOVERY), { code: 'BACKUP_DAMAGED' })
    const trail = await readTrail(place)
    assert.deepEqual(
      trail.map(({ action, code }) => `${action} ${code ?? ''}`),
      ['backup.create INTERNAL', 'backup.create ', 'backup.verify BACKUP_DAMAGED'],
    )
    assert.ok(trail.every(({ outcome, code }) => (outcome === 'ok') === (code === undefined)))
  })

  test('knows of a restore before it opens anything, and how it ended', async (t) => {
    const place = await BackupPlace.open(t)
    const { id } = await place.create('one')
    const target = () => fileTarget({ path: join(makeFolder(t), 'dump.sql'), id: 'abc', replace: false })
    await restoreBackup(await place.backups(), NEWEST, target(), RECOVERY, { rehearse: true })
    const sealed = await place.backups()
    await place.coffre.operator.seal()
    await restoreBackup(sealed, { ...NEWEST, sequence: 9 }, target(), RECOVERY).then(
      () => assert.fail('there is no ninth backup'),
      () => undefined,
    )
    await place.coffre.operator.unseal()
    const [, start, end, second, refused] = await readTrail(place)
    assert.deepEqual(start?.detail, { series: 'nightly', purpose: 'rehearsal', phase: 'start' })
    const whole = { series: 'nightly', purpose: 'rehearsal', phase: 'end', sequence: 1, id, bytes: 3 }
    assert.deepEqual([end?.outcome, end?.detail], ['ok', whole])
    assert.deepEqual([second?.outcome, second?.detail['phase']], ['ok', 'start'])
    assert.deepEqual([refused?.outcome, refused?.detail['sequence']], ['refused', 9])
  })

  test('that cannot be written keeps a backup shut', async (t) => {
    const place = await BackupPlace.open(t)
    await place.create('one')
    const path = join(makeFolder(t), 'dump.sql')
    const backups = await place.backups()
    const refusing = Object.assign(Object.create(backups), {
      record: async () => Promise.reject(new Error('no space')),
      open: async () => assert.fail('it was opened'),
    })
    const target = fileTarget({ path, id: 'abc', replace: false })
    await assert.rejects(restoreBackup(refusing, NEWEST, target, RECOVERY), /no space/)
  })
})
