import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import type { BackupDrill } from '../../../../src/model/backup.ts'
import { DAY } from '../../../../src/model/clock.ts'
import { drillBackup, type DrillOptions } from '../../../../src/service/backup/drill.ts'
import { fileTarget } from '../../../../src/store/source/stream-target.ts'
import { makeFolder, type Scope } from '../../../temporary.ts'
import { BackupPlace } from './backup-place.ts'

const SERIES = { series: 'nightly' }

async function drill(t: Scope, place: BackupPlace, more: Partial<DrillOptions> = {}): Promise<BackupDrill> {
  const target = fileTarget({ path: join(makeFolder(t), 'restored'), id: '1' })
  const scratch = { target, examine: async () => [], remove: async () => undefined }
  const options = { coffre: place.coffre, makeScratch: async () => scratch, ...more }
  const report = await drillBackup(await place.backups(), SERIES, { coffre: place.coffre }, options)
  return report.drill
}

async function due(place: BackupPlace) {
  const backups = await place.backups()
  return (await backups.proofs.list('nightly', { coffre: place.coffre })).due
}

test('a drill whose clock was ahead stands for none of now', async (t) => {
  const place = await BackupPlace.open(t)
  await place.create('one')
  place.at += 400 * DAY
  await drill(t, place)
  assert.equal(await due(place), undefined)
  place.at -= 400 * DAY
  assert.equal(await due(place), 'never')
  await drill(t, place)
  assert.equal(await due(place), undefined)
  place.at += 32 * DAY
  assert.equal(await due(place), 'old')
})

test('a drill that found something else than expected says so in the log', async (t) => {
  const place = await BackupPlace.open(t)
  await place.create('one')
  const source = { tables: [], counts: {}, sha256: '0'.repeat(64) }
  const { outcome } = await drill(t, place, { measureSource: async () => source })
  assert.deepEqual([outcome, await due(place)], ['differs', 'failed'])
  const records = await place.coffre.audit.list({ last: 20 })
  const last = records.findLast(({ action }) => action === 'backup.drill')
  const { detail } = JSON.parse(last?.body ?? '{}') as { readonly detail?: Record<string, unknown> }
  assert.equal(detail?.['differences'], 1)
})
