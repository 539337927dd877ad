import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import type { CoffreError } from '../../src/model/errors.ts'
import { Secret } from '../../src/model/secret.ts'
import { Draw } from '../fuzz/mutate.ts'
import { makeFolder, makeMemoryFolder, openTemporary } from '../temporary.ts'
import { BackupPlace, sourceOf } from '../unit/service/backup/backup-place.ts'
import { CorruptionPlace, corruptAtRandom, corruptEveryByte } from './corrupt-backup.ts'

/** Every how many bytes; `npm run campaign -- backup-corrupt` takes each. */
const STEP = 61
const RANDOM = 300
const REFUSED = /^(BACKUP_DAMAGED|DECRYPTION_FAILED|PARAMETERS_REFUSED|PASSPHRASE_WRONG)$/

describe('a backup that somebody changed', () => {
  test('is refused, names its first bad chunk, and leaves the target as it was', async (t) => {
    const coffre = await openTemporary(t, { dataDir: makeFolder(t) })
    const place = await CorruptionPlace.make(coffre, makeMemoryFolder(t), 64 * 1024)
    await corruptEveryByte(place, new Draw(1), STEP)
    t.diagnostic(`cases: ${JSON.stringify(place.result)}`)
  })

  test('in any of many ways is refused', async (t) => {
    const coffre = await openTemporary(t, { dataDir: makeFolder(t) })
    const place = await CorruptionPlace.make(coffre, makeMemoryFolder(t), 300_000)
    await corruptAtRandom(place, new Draw(2), RANDOM)
    t.diagnostic(`cases: ${JSON.stringify(place.result)}`)
  })

  test('in its header or the costs of its passphrase is refused, whoever may have signed it', async (t) => {
    const place = await BackupPlace.open(t)
    const passphrase = new Secret('correct horse battery staple')
    const backups = await place.backups()
    const made = await backups.create(sourceOf('content'), place.coffre, {
      series: 'nightly',
      recipients: { passphrase },
      compression: 'none',
      note: 'as it was',
    })
    const path = join(place.folder, 'nightly/000000000001.manifest')
    const whole = readFileSync(path, 'utf8')
    const changes: readonly (readonly [RegExp, string])[] = [
      [/m=65536,t=3,p=1/, 'm=8,t=1,p=1'],
      [/m=65536,t=3,p=1/, 'm=65536,t=2,p=1'],
      [/m=65536,t=3,p=1/, 'm=65535,t=3,p=1'],
      [/m=65536,t=3,p=1/, 'm=131072,t=3,p=1'],
      [/m=65536,t=3,p=1/, 'm=4194304,t=3,p=1'],
      [/m=65536,t=3,p=1/, 'm=65536,t=99,p=1'],
      [/m=65536,t=3,p=1/, 'm=65536,t=3,p=99'],
      [/"compression":"none"/, '"compression":"gzip"'],
      [/"source":"stream"/, '"source":"files"'],
      [/"note":"as it was"/, '"note":"as it is"'],
      [new RegExp(made.createdAt), '2026-12-31T00:00:00.000Z'],
      [/"name":"dump.sql"/, '"name":"other.sql"'],
      [/"bodyBytes":(\d+)/, '"bodyBytes":1$1'],
      [/"bodySha256":"./, '"bodySha256":"'],
      [/^coffre\/backup\/v1/, 'coffre/backup/v0'],
      [/^coffre\/backup\/v1/, 'coffre/backup/v2'],
    ]
    for (const [pattern, replacement] of changes) {
      const changed = whole.replace(pattern, replacement)
      assert.notEqual(changed, whole)
      writeFileSync(path, changed)
      for (const acceptAnySigner of [false, true]) {
        const work = backups.verify({ series: 'nightly' }, { passphrase }, { acceptAnySigner })
        await assert.rejects(work, (error: CoffreError) => {
          const codes = acceptAnySigner ? REFUSED : /^BACKUP_(DAMAGED|UNTRUSTED)$/
          assert.match(error.code, codes, `${replacement}: ${error.code}`)
          return true
        })
      }
    }
    writeFileSync(path, whole)
    await backups.verify({ series: 'nightly' }, { passphrase })
  })
})
