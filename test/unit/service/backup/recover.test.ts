import assert from 'node:assert/strict'
import { existsSync, mkdirSync, readdirSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { exportSealKey } from '../../../../src/app.ts'
import { coffreFolderSource, openBackups } from '../../../../src/app-backup.ts'
import { recoverCoffre, type RecoverOptions } from '../../../../src/app-recover.ts'
import { makeFolder, openTemporary, type Scope } from '../../../temporary.ts'
import { RECOVERY_PUBLIC, RECOVERY_SEED } from './backup-place.ts'

/** A target with a backup of a Coffre that a key file seals, and the sheet of that. */
async function makeTarget(t: Scope) {
  const folder = makeFolder(t)
  const target = join(folder, 'target')
  mkdirSync(target, { mode: 0o700 })
  const dataDir = join(folder, 'data')
  const coffre = await openTemporary(t, { dataDir })
  const backups = await openBackups({ target, seenFile: join(folder, 'seen'), coffre })
  t.after(() => backups.close())
  const recipients = { recovery: [RECOVERY_PUBLIC] }
  await backups.create(coffreFolderSource(dataDir), coffre, { series: 'own', recipients })
  await coffre.close()
  const { text: sealKey } = await exportSealKey({ dataDir })
  const acceptAnySigner = { openers: { recoveryKey: RECOVERY_SEED }, acceptAnySigner: true }
  const stranger = await openBackups({ target, seenFile: join(folder, 'seen2') })
  t.after(() => stranger.close())
  const recover = (options: Partial<RecoverOptions>) =>
    recoverCoffre(stranger, {
      ...acceptAnySigner,
      dataDir: join(folder, 'new'),
      open: async () => ({ close: async () => undefined }),
      ...options,
    })
  return { folder, sealKey, recover }
}

test('a recovery that fails leaves no key file either, and the next one succeeds', async (t) => {
  const { folder, sealKey, recover } = await makeTarget(t)
  const sealKeyFile = join(folder, 'elsewhere.key')
  const fail = async () => assert.fail('it does not open')
  await assert.rejects(recover({ sealKey, sealKeyFile, open: fail }), /it does not open/)
  assert.deepEqual([existsSync(sealKeyFile), existsSync(join(folder, 'new'))], [false, false])
  await recover({ sealKey, sealKeyFile })
  assert.ok(existsSync(sealKeyFile))
  // One that was there is somebody's.
  const again = recover({ sealKey, sealKeyFile, dataDir: join(folder, 'second') })
  await assert.rejects(again, { code: 'CONFIG_REFUSED' })
  assert.ok(existsSync(sealKeyFile))
})

test('a data folder that could not take its name is refused before anything is restored', async (t) => {
  const { folder, recover } = await makeTarget(t)
  const dataDir = join(folder, 'link')
  symlinkSync(makeFolder(t), dataDir)
  const facts = { reason: 'the data folder is no folder, or a link to one', folder: dataDir }
  await assert.rejects(recover({ dataDir }), { code: 'RESTORE_REFUSED', facts })
  assert.deepEqual(
    readdirSync(folder).filter((name) => name.includes('recover_')),
    [],
  )
})
