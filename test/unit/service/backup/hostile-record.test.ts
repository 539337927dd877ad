import assert from 'node:assert/strict'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { sealBackupRecord } from '../../../../src/crypto/backup-body.ts'
import type { BackupRecord } from '../../../../src/model/backup.ts'
import { signWithCoffre } from '../../../../src/service/backup/backup-keys.ts'
import { manifestText } from '../../../../src/service/backup/manifest.ts'
import { restoreBackup } from '../../../../src/service/backup/restore.ts'
import { fileTarget } from '../../../../src/store/source/stream-target.ts'
import { makeFolder } from '../../../temporary.ts'
import { BackupPlace, RECOVERY_PUBLIC, RECOVERY_SEED, sourceOf } from './backup-place.ts'

const MIB = 1024 * 1024
const BOMB = Buffer.alloc(64 * MIB)
const NEWEST = { series: 'nightly' }
const OPENERS = { recoveryKey: RECOVERY_SEED }

/** Whoever has the key of a backup can write another record, and sign it if he has that key too. */
async function withRecord(place: BackupPlace, change: Partial<BackupRecord>) {
  const backups = await place.backups()
  const { manifest, record, key } = await backups.open(NEWEST, OPENERS, { acceptAnySigner: true })
  const lines = { header: manifest.headerLine, body: manifest.bodyLine }
  const recordLine = sealBackupRecord(key, lines, JSON.stringify({ ...record, ...change }))
  const text = await signWithCoffre(place.coffre, manifestText({ ...manifest, recordLine }))
  writeFileSync(join(place.folder, 'nightly/000000000001.manifest'), text)
  return { backups, opened: await backups.open(NEWEST, OPENERS, { acceptAnySigner: true }) }
}

describe('a backup that its own maker made wrong', () => {
  for (const compression of ['zstd', 'gzip', 'none'] as const) {
    test(`is given up as soon as more comes than its record says: ${compression}`, async (t) => {
      const place = await BackupPlace.open(t)
      const source = sourceOf(BOMB)
      const recipients = { recovery: [RECOVERY_PUBLIC] }
      await (await place.backups()).create(source, place.coffre, { ...NEWEST, compression, recipients })
      const { backups, opened } = await withRecord(place, { plainBytes: 1_000 })
      let bytes = 0
      const reading = (async () => {
        for await (const piece of backups.readPlain(opened)) bytes += piece.length
      })()
      await assert.rejects(reading, { code: 'BACKUP_DAMAGED' })
      assert.ok(bytes <= 1_000, `${bytes} bytes came out`)
      const folder = makeFolder(t)
      const target = fileTarget({ path: join(folder, 'file'), id: '0' })
      const restoring = restoreBackup(backups, NEWEST, target, OPENERS, { acceptAnySigner: true })
      await assert.rejects(restoring, { code: 'BACKUP_DAMAGED' })
      assert.deepEqual(readdirSync(folder), [])
    })
  }

  test('is refused before anything is written when it says more than there is room for', async (t) => {
    const place = await BackupPlace.open(t)
    await place.create('content')
    const { backups } = await withRecord(place, { plainBytes: 2 ** 52 })
    const folder = makeFolder(t)
    const target = fileTarget({ path: join(folder, 'file'), id: '0' })
    const restoring = restoreBackup(backups, NEWEST, target, OPENERS, { acceptAnySigner: true })
    await assert.rejects(restoring, { code: 'RESTORE_REFUSED' })
    assert.deepEqual(readdirSync(folder), [])
  })

  test('with another digest, another length or other counts leaves the target as it was', async (t) => {
    const place = await BackupPlace.open(t)
    await place.create('content')
    const changes = [
      { plainBytes: 6 },
      { plainBytes: 8 },
      { counts: { bytes: 6 } },
      // Last: what comes after it would be refused for it too.
      { plainSha256: 'ab'.repeat(32) },
    ]
    const folder = makeFolder(t)
    writeFileSync(join(folder, 'file'), 'before')
    for (const change of changes) {
      const { backups } = await withRecord(place, { plainBytes: 7, counts: { bytes: 7 }, ...change })
      const target = fileTarget({ path: join(folder, 'file'), id: '0', replace: true })
      const restoring = restoreBackup(backups, NEWEST, target, OPENERS, { acceptAnySigner: true })
      await assert.rejects(restoring, { code: 'BACKUP_DAMAGED' }, JSON.stringify(change))
      assert.deepEqual(readdirSync(folder), ['file'])
      assert.equal(readFileSync(join(folder, 'file'), 'utf8'), 'before')
    }
  })
})
