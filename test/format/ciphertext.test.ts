import assert from 'node:assert/strict'
import { randomBytes, randomUUID } from 'node:crypto'
import { after, describe, test } from 'node:test'
import type { VersionKey } from '../../src/crypto/algorithm.ts'
import { nativeEncryption, OVERHEAD_BYTES } from '../../src/crypto/ciphertext.ts'
import { KeyMaterial } from '../../src/crypto/key-material.ts'
import type { DecryptRequest, EncryptRequest } from '../../src/model/coffre.ts'
import { parseKeyId, parseTenantId, parseVersionNumber } from '../../src/model/ids.ts'
import { failsWith, openTemporary } from '../temporary.ts'

const refused = failsWith('DECRYPTION_FAILED')
const coffre = await openTemporary({ after })
await coffre.keys.create({ name: 'k' })
await coffre.keys.create({ name: 'other' })
const context = { table: 'readings', row: '7' }

async function encrypt(request: Partial<EncryptRequest> = {}): Promise<string> {
  return (await coffre.encrypt({ key: 'k', plaintext: 'secret', context, ...request })).ciphertext
}

/** The codes of many decryptions, each once. */
async function decryptAll(requests: readonly DecryptRequest[]): Promise<readonly string[]> {
  assert.ok(requests.length > 0)
  const codes = new Set<string>()
  for (let from = 0; from < requests.length; from += 1_000) {
    for (const item of await coffre.batch('decrypt', requests.slice(from, from + 1_000))) {
      codes.add(item.ok ? 'ok' : item.error.code)
    }
  }
  return [...codes]
}

function toText(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64url')
}

describe('a ciphertext', () => {
  for (const size of [0, 1, 31, 32, 33, 1_000]) {
    test(`of ${size} bytes is refused with any bit flipped`, async () => {
      const bytes = Buffer.from(await encrypt({ plaintext: randomBytes(size) }), 'base64url')
      assert.equal(bytes.length, size + OVERHEAD_BYTES)
      const flipped = Array.from({ length: bytes.length * 8 }, (_, bit) => {
        const copy = Buffer.from(bytes)
        copy[bit >> 3] = copy.readUInt8(bit >> 3) ^ (1 << (bit & 7))
        return { ciphertext: toText(copy), context }
      })
      assert.deepEqual(await decryptAll(flipped), ['DECRYPTION_FAILED'])
    })

    test(`of ${size} bytes is refused cut short at any byte or character, or made longer`, async () => {
      const text = await encrypt({ plaintext: randomBytes(size) })
      const bytes = Buffer.from(text, 'base64url')
      const shorter = Array.from(bytes, (_, end) => toText(bytes.subarray(0, end)))
      const cut = Array.from({ length: text.length }, (_, end) => text.slice(0, end))
      const longer = [toText(Buffer.concat([bytes, Buffer.alloc(1)])), `${text}A`, `${text}=`, `${text}\n`]
      const requests = [...shorter, ...cut, ...longer].map((ciphertext) => ({ ciphertext, context }))
      assert.deepEqual(await decryptAll(requests), ['DECRYPTION_FAILED'])
    })
  }

  test('is refused with any character replaced', async () => {
    const text = await encrypt()
    const requests = Array.from({ length: text.length }, (_, index) => ({
      ciphertext: `${text.slice(0, index)}${text[index] === '-' ? '_' : '-'}${text.slice(index + 1)}`,
      context,
    }))
    assert.deepEqual(await decryptAll(requests), ['DECRYPTION_FAILED'])
  })

  test('has one spelling only', async () => {
    const text = await encrypt({ plaintext: 'ab' })
    const base64 = Buffer.from(text, 'base64url').toString('base64')
    assert.notEqual(base64, text)
    const spellings = [base64, ` ${text}`, `${text.slice(0, 40)}\n${text.slice(40)}`]
    const requests = spellings.map((ciphertext) => ({ ciphertext, context }))
    assert.deepEqual(await decryptAll(requests), ['DECRYPTION_FAILED'])
  })

  test('opens under no other context', async () => {
    const ciphertext = await encrypt()
    const contexts = [
      {},
      { table: 'readings' },
      { ...context, more: '' },
      { table: 'readings', row: '8' },
      { table: 'readings', Row: '7' },
      { row: 'readings', table: '7' },
    ]
    const requests = contexts.map((other) => ({ ciphertext, context: other }))
    assert.deepEqual(await decryptAll([...requests, { ciphertext }]), ['DECRYPTION_FAILED'])
  })

  test('opens with its context in any order', async () => {
    const ciphertext = await encrypt({ context: { b: '2', a: '1', é: '3' } })
    const { plaintext } = await coffre.decrypt({ ciphertext, context: { é: '3', a: '1', b: '2' } })
    assert.equal(Buffer.from(plaintext).toString(), 'secret')
  })

  test('tells apart contexts whose bytes join to the same', async () => {
    const pairs = [{ ab: 'c' }, { a: 'bc' }, { abc: '' }, { '': 'abc' }, { a: 'b', c: '' }, { a: '', b: 'c' }]
    for (const one of pairs) {
      const ciphertext = await encrypt({ context: one })
      const others = pairs.filter((other) => other !== one)
      assert.deepEqual(await decryptAll(others.map((other) => ({ ciphertext, context: other }))), [
        'DECRYPTION_FAILED',
      ])
      await coffre.decrypt({ ciphertext, context: one })
    }
  })

  test('opens under no other key or version, though its header is changed to name it', async () => {
    const before = await encrypt()
    const elsewhere = await encrypt({ key: 'other' })
    await coffre.keys.rotate('k')
    const later = await encrypt()
    for (const [from, to] of [
      [before, elsewhere],
      [elsewhere, before],
      [before, later],
      [later, before],
    ] as const) {
      const ciphertext = to.slice(0, 32) + from.slice(32)
      await assert.rejects(coffre.decrypt({ ciphertext, context }), refused)
    }
    await coffre.decrypt({ ciphertext: before, context })
  })

  test('of an unknown key is refused like a broken one', async () => {
    const bytes = Buffer.from(await encrypt(), 'base64url')
    bytes.write(randomUUID().replaceAll('-', ''), 4, 'hex')
    await assert.rejects(coffre.decrypt({ ciphertext: toText(bytes), context }), refused)
  })

  test('is refused when the caller names another key than its own', async () => {
    const ciphertext = await encrypt()
    await assert.rejects(coffre.decrypt({ ciphertext, context, key: 'other' }), refused)
    await coffre.decrypt({ ciphertext, context, key: 'k' })
  })

  test('whose parts come from two ciphertexts is refused', async () => {
    const texts = await Promise.all([encrypt({ plaintext: 'one' }), encrypt({ plaintext: 'two' })])
    const [one, two] = texts.map((text) => Buffer.from(text, 'base64url'))
    assert.ok(one !== undefined && two !== undefined)
    // Both have the salt of one process; nonce, body and tag are each their own.
    for (const at of [92, 95]) {
      const ciphertext = toText(Buffer.concat([one.subarray(0, at), two.subarray(at)]))
      await assert.rejects(coffre.decrypt({ ciphertext, context }), refused)
    }
  })

  test('never repeats, though the plaintext does', async () => {
    const items = Array.from({ length: 1_000 }, () => ({ key: 'k', plaintext: 'same' }))
    const texts = (await coffre.batch('encrypt', items)).map((item) => (item.ok ? item.value.ciphertext : ''))
    assert.equal(new Set(texts).size, 1_000)
    assert.equal(
      new Set(texts.map((text) => Buffer.from(text, 'base64url').toString('hex', 80, 92))).size,
      1_000,
    )
  })
})

test('one bad item of a batch leaves the others alone', async () => {
  const good = await encrypt()
  const items = [good, `${good}A`, '', good].map((ciphertext) => ({ ciphertext, context }))
  const codes = (await coffre.batch('decrypt', items)).map((item) => (item.ok ? 'ok' : item.error.code))
  assert.deepEqual(codes, ['ok', 'DECRYPTION_FAILED', 'DECRYPTION_FAILED', 'ok'])
})

test('the row of a key is bound: tenant, id, version, purpose and material', () => {
  const bytes = randomBytes(32)
  const key: VersionKey = {
    tenant: parseTenantId('one'),
    keyId: parseKeyId(randomUUID()),
    version: parseVersionNumber(1),
    purpose: 'encrypt',
    material: new KeyMaterial(bytes),
  }
  const [ciphertext = ''] = nativeEncryption.sealMany(key, [{ plaintext: Buffer.from('x'), context: {} }])
  const open = (changes: Partial<VersionKey>) => {
    // Material of its own each time, so that nothing derived is shared.
    const changed = { ...key, material: new KeyMaterial(bytes), ...changes }
    return nativeEncryption.openMany(changed, [{ ciphertext, context: {} }])[0]
  }
  assert.ok(open({}) !== undefined)
  const others: readonly Partial<VersionKey>[] = [
    { tenant: parseTenantId('two') },
    { keyId: parseKeyId(randomUUID()) },
    { version: parseVersionNumber(2) },
    { purpose: 'wrap' },
    { material: new KeyMaterial(randomBytes(32)) },
  ]
  for (const changes of others) assert.equal(open(changes), undefined, Object.keys(changes).join())
})
