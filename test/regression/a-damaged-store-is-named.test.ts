import assert from 'node:assert/strict'
import { test } from 'node:test'
import { changeStore, failsWith, makeFolder, openTemporary } from '../temporary.ts'

test('a public key that is not that of its private key is neither shown nor used', async (scope) => {
  const dataDir = makeFolder(scope)
  const before = await openTemporary(scope, { dataDir })
  await before.keys.create({ name: 'ours', algorithm: 'ed25519' })
  await before.keys.create({ name: 'theirs', algorithm: 'ed25519' })
  await before.close()
  changeStore(dataDir, (database) =>
    database.exec(`update key_version set public_key =
      (select v.public_key from key_version v join "key" k on k.id = v.key_id where k.name = 'theirs')`),
  )
  const after = await openTemporary(scope, { dataDir })
  await assert.rejects(after.keys.get('ours'), failsWith('STORE_DAMAGED'))
  await assert.rejects(after.sign({ key: 'ours', message: 'm' }), failsWith('STORE_DAMAGED'))
  assert.equal((await after.keys.get('theirs')).name, 'theirs')
})

test('a store that lost its seal slot is not made a new one', async (scope) => {
  const dataDir = makeFolder(scope)
  const before = await openTemporary(scope, { dataDir })
  await before.close()
  changeStore(dataDir, (database) => database.exec('delete from seal_slot'))
  await assert.rejects(openTemporary(scope, { dataDir }), failsWith('STORE_DAMAGED'))
})
