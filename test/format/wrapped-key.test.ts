import assert from 'node:assert/strict'
import { randomBytes, randomUUID } from 'node:crypto'
import { describe, test, type TestContext } from 'node:test'
import { KeyMaterial } from '../../src/crypto/key-material.ts'
import { unwrapKey, wrapKey } from '../../src/crypto/wrapped-key.ts'
import { parseKeyId, parseTenantId, parseVersionNumber } from '../../src/model/ids.ts'
import { rootOf, toWrapped, type WrapBinding } from '../../src/model/wrapped.ts'
import { changeStore, failsWith, makeFolder, openTemporary } from '../temporary.ts'

const damaged = failsWith('STORE_DAMAGED')

interface Row {
  readonly rowid: number
  readonly wrapped: Uint8Array
}

const QUERY = `SELECT rowid, wrapped FROM key_version
  WHERE key_id IN (SELECT id FROM "key" WHERE tenant = 'default') ORDER BY rowid`

/** A folder with three keys, one of them with two versions, and a ciphertext under each version. */
async function makeStore(t: TestContext): Promise<{ folder: string; ciphertexts: string[]; rows: Row[] }> {
  const folder = makeFolder(t)
  const coffre = await openTemporary(t, { dataDir: folder })
  const ciphertexts: string[] = []
  const encrypt = async (key: string) => {
    ciphertexts.push((await coffre.encrypt({ key, plaintext: key })).ciphertext)
  }
  for (const name of ['a', 'b', 'c']) {
    await coffre.keys.create({ name })
    await encrypt(name)
  }
  await coffre.keys.rotate('a')
  await encrypt('a')
  await coffre.close()
  const rows: Row[] = []
  changeStore(folder, (database) => {
    for (const row of database.prepare(QUERY).all()) {
      assert.ok(row['wrapped'] instanceof Uint8Array)
      rows.push({ rowid: Number(row['rowid']), wrapped: row['wrapped'] })
    }
  })
  assert.equal(rows.length, 4)
  return { folder, ciphertexts, rows }
}

function write(folder: string, rows: readonly Row[]): void {
  changeStore(folder, (database) => {
    const update = database.prepare('UPDATE key_version SET wrapped = ? WHERE rowid = ?')
    for (const { rowid, wrapped } of rows) update.run(wrapped, rowid)
  })
}

/** How each ciphertext comes out of the changed store: its plaintext, or a code. */
async function decryptAll(t: TestContext, folder: string, texts: readonly string[]): Promise<string[]> {
  const coffre = await openTemporary(t, { dataDir: folder })
  const items = await coffre.batch(
    'decrypt',
    texts.map((ciphertext) => ({ ciphertext })),
  )
  await coffre.close()
  return items.map((item) => (item.ok ? Buffer.from(item.value.plaintext).toString() : item.error.code))
}

test('any two wrapped rows that are exchanged are refused, never another plaintext', async (t) => {
  const { folder, ciphertexts, rows } = await makeStore(t)
  assert.deepEqual(await decryptAll(t, folder, ciphertexts), ['a', 'b', 'c', 'a'])
  for (const [left, one] of rows.entries()) {
    for (const two of rows.slice(left + 1)) {
      write(folder, [
        { rowid: one.rowid, wrapped: two.wrapped },
        { rowid: two.rowid, wrapped: one.wrapped },
      ])
      const found = await decryptAll(t, folder, ciphertexts)
      const allowed = ['a', 'b', 'c', 'a']
      assert.ok(found.filter((each) => each === 'STORE_DAMAGED').length >= 2, found.join())
      for (const [index, each] of found.entries()) {
        assert.ok(each === allowed[index] || each === 'STORE_DAMAGED', found.join())
      }
      write(folder, [one, two])
    }
  }
})

test('a row that was moved to another algorithm, purpose or key id is refused', async (t) => {
  const { folder, ciphertexts } = await makeStore(t)
  for (const [sql, undo, code = 'STORE_DAMAGED'] of [
    [`UPDATE key SET algorithm = 'fernet' WHERE name = 'b'`, `UPDATE key SET algorithm = 'aes256-gcm'`],
    [`UPDATE key SET purpose = 'wrap' WHERE name = 'b'`, `UPDATE key SET purpose = 'encrypt'`],
    // Of another tenant: as if it were not there.
    [
      `UPDATE key SET tenant = 'other' WHERE name = 'b'`,
      `UPDATE key SET tenant = 'default'`,
      'DECRYPTION_FAILED',
    ],
  ] as const) {
    changeStore(folder, (database) => database.exec(sql))
    const found = await decryptAll(t, folder, ciphertexts.slice(1, 2))
    assert.deepEqual(found, [code], sql)
    changeStore(folder, (database) => database.exec(undo))
  }
})

for (const generation of [1, 2, 70_000])
  describe(`a wrapped key under root ${generation}`, () => {
    const root = { generation, key: new KeyMaterial(randomBytes(32)) }
    const inner = new KeyMaterial(randomBytes(32))
    const binding: WrapBinding = {
      tenant: parseTenantId('default'),
      keyId: parseKeyId(randomUUID()),
      version: parseVersionNumber(1),
      algorithm: 'aes256-gcm',
      purpose: 'encrypt',
    }
    const refused = failsWith('DECRYPTION_FAILED')
    const wrapped = wrapKey(root, inner, binding)

    test('comes back in its own row', () => {
      assert.ok(unwrapKey(root, wrapped, binding).equals(inner))
      assert.equal(wrapped.length, 32 + (generation === 1 ? 73 : 77))
      assert.equal(rootOf(wrapped), generation)
    })
    test('is refused with any bit flipped', () => {
      for (let bit = 0; bit < wrapped.length * 8; bit += 1) {
        const copy = Buffer.from(wrapped)
        copy[bit >> 3] = copy.readUInt8(bit >> 3) ^ (1 << (bit & 7))
        assert.throws(() => unwrapKey(root, toWrapped(copy), binding), refused)
      }
    })
    test('is refused at any other length', () => {
      for (let end = 0; end < wrapped.length; end += 1) {
        assert.throws(() => unwrapKey(root, toWrapped(wrapped.subarray(0, end)), binding), refused)
      }
      const longer = toWrapped(Buffer.concat([wrapped, Buffer.alloc(1)]))
      assert.throws(() => unwrapKey(root, longer, binding), refused)
    })
    test('is refused under any other row or root key', () => {
      const others: readonly Partial<WrapBinding>[] = [
        { tenant: parseTenantId('other') },
        { keyId: parseKeyId(randomUUID()) },
        { version: parseVersionNumber(2) },
        { algorithm: 'fernet' },
        { purpose: 'wrap' },
      ]
      for (const other of others) {
        assert.throws(() => unwrapKey(root, wrapped, { ...binding, ...other }), refused)
      }
      const other = { generation, key: new KeyMaterial(randomBytes(32)) }
      assert.throws(() => unwrapKey(other, wrapped, binding), refused)
      for (const another of [generation + 1, 1, 2]) {
        if (another === generation) continue
        assert.throws(() => unwrapKey({ ...root, generation: another }, wrapped, binding), refused)
      }
    })
  })

test('a flipped bit of a stored row is STORE_DAMAGED for every operation of its key, and no other', async (t) => {
  const { folder, ciphertexts, rows } = await makeStore(t)
  const [victim] = rows.slice(1)
  assert.ok(victim !== undefined)
  // One bit of each byte: the crypto test above flips them all.
  for (let byte = 0; byte < victim.wrapped.length; byte += 5) {
    const copy = Buffer.from(victim.wrapped)
    copy[byte] = copy.readUInt8(byte) ^ (1 << (byte & 7))
    write(folder, [{ rowid: victim.rowid, wrapped: copy }])
    assert.deepEqual(await decryptAll(t, folder, ciphertexts), ['a', 'STORE_DAMAGED', 'c', 'a'])
  }
  const coffre = await openTemporary(t, { dataDir: folder })
  await assert.rejects(coffre.encrypt({ key: 'b', plaintext: 'x' }), damaged)
  await assert.rejects(coffre.keys.rotate('b'), damaged)
})
