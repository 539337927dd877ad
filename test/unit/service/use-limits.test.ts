import assert from 'node:assert/strict'
import { describe, test, type TestContext } from 'node:test'
import { algorithmFor } from '../../../src/crypto/algorithms.ts'
import { USE_BLOCK } from '../../../src/keyring/usage.ts'
import { changeStore, failsWith, makeFolder, openTemporary } from '../../temporary.ts'

const { maxUses } = algorithmFor('aes256-gcm')

/** What the closed store has counted for each version, in order. */
function readUses(folder: string): readonly number[] {
  let uses: number[] = []
  changeStore(folder, (database) => {
    const rows = database
      .prepare(`SELECT uses FROM key_version
      WHERE key_id IN (SELECT id FROM "key" WHERE tenant = 'default') ORDER BY version`)
      .all()
    uses = rows.map((row) => Number(row['uses']))
  })
  return uses
}

async function makeKey(t: TestContext, uses: number): Promise<string> {
  const folder = makeFolder(t)
  const coffre = await openTemporary(t, { dataDir: folder })
  await coffre.keys.create({ name: 'k' })
  await coffre.close()
  changeStore(folder, (database) => database.prepare('UPDATE key_version SET uses = ?').run(uses))
  return folder
}

const item = { key: 'k', plaintext: 'x' }

describe('uses of a version', () => {
  test('are stored before they are spent, so that a crash never counts too few', async (t) => {
    const folder = await makeKey(t, 0)
    for (const opened of [1, 2, 3]) {
      const coffre = await openTemporary(t, { dataDir: folder })
      await coffre.encrypt(item)
      await coffre.close()
      assert.deepEqual(readUses(folder), [opened * USE_BLOCK])
    }
  })

  test('are reserved once for all who find the block empty together', async (t) => {
    const folder = await makeKey(t, 0)
    const coffre = await openTemporary(t, { dataDir: folder })
    await Promise.all(Array.from({ length: 50 }, () => coffre.encrypt(item)))
    await coffre.close()
    assert.deepEqual(readUses(folder), [USE_BLOCK])
  })

  test('are not counted for reading', async (t) => {
    const folder = await makeKey(t, 0)
    const coffre = await openTemporary(t, { dataDir: folder })
    const { ciphertext } = await coffre.encrypt(item)
    await coffre.batch(
      'decrypt',
      Array.from({ length: 10 }, () => ({ ciphertext })),
    )
    await coffre.close()
    assert.deepEqual(readUses(folder), [USE_BLOCK])
  })

  test('at half of the limit rotate the key once, however many ask at once', async (t) => {
    const folder = await makeKey(t, maxUses / 2)
    const coffre = await openTemporary(t, { dataDir: folder })
    const made = await Promise.all(Array.from({ length: 20 }, () => coffre.encrypt(item)))
    assert.equal((await coffre.keys.get('k')).currentVersion, 2)
    for (const { ciphertext } of made) {
      assert.equal(Buffer.from((await coffre.decrypt({ ciphertext })).plaintext).toString(), 'x')
    }
    const records = await coffre.audit.list({ limit: 1_000 })
    const rotations = records.filter(({ action }) => action === 'key.rotate')
    assert.deepEqual(
      rotations.map(({ principal }) => principal),
      ['system:limits'],
    )
  })

  test('end at the limit until the key is rotated', async (t) => {
    const folder = await makeKey(t, maxUses)
    const coffre = await openTemporary(t, { dataDir: folder })
    await assert.rejects(coffre.encrypt(item), failsWith('KEY_VERSION_EXHAUSTED'))
    assert.equal((await coffre.batch('encrypt', [item, item])).filter(({ ok }) => ok).length, 0)
    await coffre.keys.rotate('k')
    assert.equal((await coffre.encrypt(item)).version, 2)
    await coffre.close()
    assert.deepEqual(readUses(folder), [maxUses, USE_BLOCK])
  })
})
