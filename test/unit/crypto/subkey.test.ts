import assert from 'node:assert/strict'
import { describe, test, type TestContext } from 'node:test'
import type { VersionKey } from '../../../src/crypto/algorithm.ts'
import { judgeHead, nativeEncryption, OVERHEAD_BYTES } from '../../../src/crypto/ciphertext.ts'
import { KeyMaterial, rawBytes } from '../../../src/crypto/key-material.ts'
import { randomBytes, randomKeyMaterial } from '../../../src/crypto/random.ts'
import { SALT_BYTES, subkeyForReading, subkeyForWriting } from '../../../src/crypto/subkey.ts'
import { DEFAULT_TENANT, parseKeyId, parseTenantId, parseVersionNumber } from '../../../src/model/ids.ts'

const base = {
  tenant: DEFAULT_TENANT,
  keyId: parseKeyId('00000000-0000-4000-8000-000000000001'),
  version: parseVersionNumber(1),
  purpose: 'encrypt',
} as const

function makeKey(material: KeyMaterial = randomKeyMaterial(32)): VersionKey {
  return { ...base, material }
}

/** The same bytes without what was derived of them before. */
function copyOf({ material }: VersionKey): KeyMaterial {
  return new KeyMaterial(rawBytes(material))
}

function saltOf({ prefix }: { readonly prefix: Uint8Array }): string {
  return Buffer.from(prefix.subarray(24, 24 + SALT_BYTES)).toString('hex')
}

describe('the subkey that writes', () => {
  test('is another for each key and each material', () => {
    const material = randomKeyMaterial(32)
    const subkeys = [makeKey(material), makeKey()].map((key) => subkeyForWriting(key, 1))
    assert.equal(new Set(subkeys.map(saltOf)).size, 2)
  })
  test('is the same for 65,536 messages, and then another', () => {
    const key = makeKey()
    const first = subkeyForWriting(key, 65_535)
    assert.equal(subkeyForWriting(key, 1), first)
    assert.notEqual(saltOf(subkeyForWriting(key, 1)), saltOf(first))
    // A batch that does not fit begins a new one, however large it is.
    const second = subkeyForWriting(key, 100_000)
    assert.notEqual(saltOf(subkeyForWriting(key, 1)), saltOf(second))
  })
  test('is another after a while', (t: TestContext) => {
    const key = makeKey()
    let now = 1_000
    t.mock.method(performance, 'now', () => now)
    const first = subkeyForWriting(key, 1)
    now += 60_000
    assert.equal(subkeyForWriting(key, 1), first)
    now += 24 * 60 * 60 * 1_000
    assert.notEqual(saltOf(subkeyForWriting(key, 1)), saltOf(first))
  })
})

describe('the subkey that reads', () => {
  test('is the one that wrote, and known from then on', () => {
    const key = makeKey()
    const { prefix, commitment } = subkeyForWriting(key, 1)
    const salt = prefix.subarray(24, 24 + SALT_BYTES)
    const found = subkeyForReading(key, salt, commitment)
    assert.deepEqual(found?.prefix, prefix)
    assert.equal(subkeyForReading(key, salt, commitment), found)
  })
  test('is none for another commitment, salt, version or key', () => {
    const key = makeKey()
    const { prefix, commitment } = subkeyForWriting(key, 1)
    const salt = prefix.subarray(24, 24 + SALT_BYTES)
    assert.ok(subkeyForReading(key, salt, commitment) !== undefined)
    const wrong = Uint8Array.from(commitment)
    wrong[31] = (wrong[31] ?? 0) ^ 1
    assert.equal(subkeyForReading(key, salt, wrong), undefined)
    assert.equal(subkeyForReading(key, randomBytes(SALT_BYTES), commitment), undefined)
    assert.equal(subkeyForReading(makeKey(), salt, commitment), undefined)
    const fresh = makeKey(randomKeyMaterial(32))
    assert.equal(subkeyForReading({ ...fresh, version: parseVersionNumber(2) }, salt, commitment), undefined)
  })
  test('is remembered for the newest salts alone', () => {
    const material = randomKeyMaterial(32)
    const key = makeKey(material)
    const write = () => {
      const { prefix, commitment } = subkeyForWriting(key, 65_536)
      return { salt: prefix.slice(24, 24 + SALT_BYTES), commitment }
    }
    const read = ({ salt, commitment }: ReturnType<typeof write>) => subkeyForReading(key, salt, commitment)
    const first = write()
    const known = read(first)
    for (let more = 0; more < 5_000; more += 1) read(write())
    assert.notEqual(read(first), known)
    assert.deepEqual(read(first)?.commitment, known?.commitment)
  })
})

describe('the head of a message', () => {
  test('tells a message that was cut from one of another key', () => {
    const key = makeKey()
    const [ciphertext = ''] = nativeEncryption.sealMany(key, [{ plaintext: new Uint8Array(0), context: {} }])
    const bytes = Buffer.from(ciphertext, 'base64url')
    assert.equal(bytes.length, OVERHEAD_BYTES)
    assert.equal(judgeHead(key, ciphertext), 'right-key')
    assert.equal(judgeHead(makeKey(), ciphertext), 'changed-head')
    assert.equal(judgeHead(key, bytes.subarray(0, -1).toString('base64url')), 'truncated')
    assert.equal(judgeHead(key, 'no base64url!'), 'truncated')
    const at = (position: number) => {
      const changed = Buffer.from(bytes)
      changed[position] = (changed[position] ?? 0) ^ 1
      return judgeHead(key, changed.toString('base64url'))
    }
    assert.deepEqual([24, 47, 48, 79].map(at), Array(4).fill('changed-head'))
    assert.equal(at(bytes.length - 1), 'right-key')
  })

  test('binds the tenant and the purpose of its key', () => {
    const key = makeKey()
    const [ciphertext = ''] = nativeEncryption.sealMany(key, [{ plaintext: randomBytes(9), context: {} }])
    const open = (as: VersionKey) => nativeEncryption.openMany(as, [{ ciphertext, context: {} }])[0]
    assert.ok(open(key) !== undefined)
    const again = (changes: Partial<VersionKey>) => open({ ...key, ...changes, material: copyOf(key) })
    assert.ok(again({}) !== undefined)
    assert.equal(again({ tenant: parseTenantId('other') }), undefined)
    assert.equal(again({ purpose: 'wrap' }), undefined)
    assert.equal(again({ version: parseVersionNumber(2) }), undefined)
  })
})
