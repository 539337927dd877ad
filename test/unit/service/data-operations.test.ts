import assert from 'node:assert/strict'
import { constants, createPublicKey, publicEncrypt } from 'node:crypto'
import { after, describe, test } from 'node:test'
import type { AlgorithmName } from '../../../src/model/algorithm-name.ts'
import type { DataOperationName, DataOperations } from '../../../src/model/coffre.ts'
import { failsWith, openTemporary } from '../../temporary.ts'

const coffre = await openTemporary({ after })
const keys: Readonly<Record<string, AlgorithmName>> = {
  aes: 'aes256-gcm',
  fernet: 'fernet',
  rsa: 'rsa-4096',
  hmac: 'hmac-sha256',
  ec: 'ecdsa-p256',
  ed: 'ed25519',
  kw: 'aes256-kw',
  kwp: 'aes256-kwp',
}
for (const [name, algorithm] of Object.entries(keys)) {
  await coffre.keys.create({ name, algorithm, ...(name === 'rsa' ? { purpose: 'encrypt' } : {}) })
}

const text = (bytes: Uint8Array | undefined) => Buffer.from(bytes ?? []).toString()

async function codesOf<Name extends DataOperationName>(
  operation: Name,
  items: readonly DataOperations[Name]['request'][],
): Promise<readonly string[]> {
  return (await coffre.batch(operation, items)).map((item) => (item.ok ? 'ok' : item.error.code))
}

describe('a key of each encrypting algorithm', () => {
  for (const key of ['aes', 'fernet', 'rsa']) {
    test(`${key} encrypts, rotates where that is cheap, and still decrypts`, async () => {
      const { ciphertext } = await coffre.encrypt({ key, plaintext: 'grüß' })
      if (key !== 'rsa') await coffre.keys.rotate(key)
      const opened = await coffre.decrypt({ ciphertext, ...(key === 'fernet' ? { key } : {}) })
      assert.deepEqual([text(opened.plaintext), opened.key, opened.version], ['grüß', key, 1])
    })
  }

  test('an RSA key opens a bare block of another program when the caller names the key', async () => {
    const { versions } = await coffre.keys.get('rsa')
    const publicKey = createPublicKey(versions[0]?.publicKey ?? '')
    const oaep = { key: publicKey, padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: 'sha256' }
    const ciphertext = publicEncrypt(oaep, Buffer.from('from elsewhere')).toString('base64')
    assert.equal(text((await coffre.decrypt({ ciphertext, key: 'rsa' })).plaintext), 'from elsewhere')
    assert.deepEqual(
      await codesOf('decrypt', [
        { ciphertext },
        { ciphertext, key: 'aes' },
        { ciphertext, key: 'rsa', context: { a: 'b' } },
        { ciphertext: ciphertext.slice(0, -4), key: 'rsa' },
        { ciphertext, key: 'rsa' },
      ]),
      ['DECRYPTION_FAILED', 'DECRYPTION_FAILED', 'DECRYPTION_FAILED', 'DECRYPTION_FAILED', 'ok'],
    )
  })

  test('an RSA ciphertext is bound to its context and refused with any byte flipped', async () => {
    const context = { a: 'b' }
    const { ciphertext } = await coffre.encrypt({ key: 'rsa', plaintext: 'x', context })
    const bytes = Buffer.from(ciphertext, 'base64url')
    const flipped = Array.from({ length: 40 }, (_, index) => {
      const copy = Buffer.from(bytes)
      const at = index * 13
      copy[at] = copy.readUInt8(at) ^ 1
      return { ciphertext: copy.toString('base64url'), context }
    })
    const codes = await codesOf('decrypt', [...flipped, { ciphertext }, { ciphertext, context }])
    assert.deepEqual(new Set(codes.slice(0, -1)), new Set(['DECRYPTION_FAILED']))
    assert.equal(codes.at(-1), 'ok')
  })

  test('an RSA key refuses a plaintext longer than its block, and only that item', async () => {
    const items = ['x', 'x'.repeat(447), 'y'].map((plaintext) => ({ key: 'rsa', plaintext }))
    const [first, long, last] = await codesOf('encrypt', items)
    assert.deepEqual([first, last], ['ok', 'ok'])
    assert.notEqual(long, 'ok')
  })

  test('a Fernet item with a context fails alone', async () => {
    const { ciphertext } = await coffre.encrypt({ key: 'fernet', plaintext: 'x' })
    const items = [
      { ciphertext, key: 'fernet', context: { a: 'b' } },
      { ciphertext, key: 'fernet' },
    ]
    assert.deepEqual(await codesOf('decrypt', items), ['DECRYPTION_FAILED', 'ok'])
    const plain = [
      { key: 'fernet', plaintext: 'x', context: { a: 'b' } },
      { key: 'fernet', plaintext: 'x' },
    ]
    assert.deepEqual(await codesOf('encrypt', plain), ['INVALID_REQUEST', 'ok'])
  })
})

describe('a data key', () => {
  for (const key of ['aes', 'fernet', 'rsa', 'kw', 'kwp']) {
    test(`under ${key} comes back by decrypt`, async () => {
      const made = await coffre.generateDataKey({ key })
      assert.equal(made.plaintext?.length, 32)
      const opened = await coffre.decrypt({ ciphertext: made.ciphertext, key })
      assert.deepEqual(Buffer.from(opened.plaintext), Buffer.from(made.plaintext))
    })
  }
  test('is not shown when only its ciphertext is asked for', async () => {
    const made = await coffre.generateDataKey({ key: 'kw', withPlaintext: false, bytes: 64 })
    assert.ok(!('plaintext' in made))
    assert.equal((await coffre.decrypt({ ciphertext: made.ciphertext })).plaintext.length, 64)
  })
  test('has a length that its algorithm can wrap', async () => {
    const codes = await codesOf(
      'data-key',
      [17, 15, 65, 16.5, 16].map((bytes) => ({ key: 'kw', bytes })),
    )
    assert.deepEqual(codes, ['KEY_REFUSED', 'INVALID_REQUEST', 'INVALID_REQUEST', 'INVALID_REQUEST', 'ok'])
    assert.deepEqual(await codesOf('data-key', [{ key: 'kwp', bytes: 17 }]), ['ok'])
  })
  test('under a wrapping key takes no context', async () => {
    await assert.rejects(
      coffre.generateDataKey({ key: 'kw', context: { a: 'b' } }),
      failsWith('INVALID_REQUEST'),
    )
  })
  test('wrapped is refused with any byte flipped', async () => {
    const { ciphertext } = await coffre.generateDataKey({ key: 'kw' })
    const bytes = Buffer.from(ciphertext, 'base64url')
    const items = Array.from(bytes, (byte, index) => {
      const copy = Buffer.from(bytes)
      copy[index] = byte ^ 1
      return { ciphertext: copy.toString('base64url') }
    })
    assert.deepEqual(new Set(await codesOf('decrypt', items)), new Set(['DECRYPTION_FAILED']))
  })
})

describe('a key of another purpose', () => {
  const refused: readonly [DataOperationName, Record<string, unknown>][] = [
    ['encrypt', { key: 'hmac', plaintext: '' }],
    ['encrypt', { key: 'kw', plaintext: '' }],
    ['sign', { key: 'aes', message: '' }],
    ['verify', { key: 'hmac', message: '', signature: new Uint8Array(1) }],
    ['mac', { key: 'ed', message: '' }],
    ['verify-mac', { key: 'ed', message: '', mac: new Uint8Array(1) }],
    ['data-key', { key: 'hmac' }],
    ['decrypt', { key: 'ec', ciphertext: 'x' }],
  ]
  for (const [operation, request] of refused) {
    test(`does not ${operation}: ${String(request['key'])}`, async () => {
      assert.deepEqual(await codesOf(operation, [request as never]), ['PURPOSE_MISMATCH'])
    })
  }
})

describe('signatures and MACs', () => {
  for (const key of ['ec', 'ed']) {
    test(`${key} signs, and what it signed verifies after a rotation`, async () => {
      const { signature } = await coffre.sign({ key, message: 'm' })
      await coffre.keys.rotate(key)
      assert.equal((await coffre.verify({ key, message: 'm', signature })).version, 1)
      const codes = await codesOf('verify', [
        { key, message: 'M', signature },
        { key, message: 'm', signature: new Uint8Array(0) },
        { key, message: 'm', signature: signature.subarray(1) },
        { key, message: 'm', signature, version: 2 },
        { key, message: 'm', signature, version: 3 },
        { key, message: 'm', signature, version: 1 },
      ])
      const bad = 'SIGNATURE_INVALID'
      assert.deepEqual(codes, [bad, bad, bad, bad, 'KEY_VERSION_NOT_FOUND', 'ok'])
    })
  }
  test('a MAC verifies at its full length only', async () => {
    const { mac } = await coffre.mac({ key: 'hmac', message: 'm' })
    const request = (bytes: Uint8Array) => ({ key: 'hmac', message: 'm', mac: bytes })
    const codes = await codesOf('verify-mac', [mac, mac.subarray(0, 16), new Uint8Array(0)].map(request))
    assert.deepEqual(codes, ['ok', 'SIGNATURE_INVALID', 'SIGNATURE_INVALID'])
  })
  test('what a compromised version signed proves nothing any more', async () => {
    const { signature } = await coffre.sign({ key: 'ed', message: 'm' })
    await coffre.keys.compromise('ed')
    const { version } = (await coffre.keys.get('ed')).versions.at(-1) ?? { version: 0 }
    const codes = await codesOf('verify', [
      { key: 'ed', message: 'm', signature, version },
      { key: 'ed', message: 'm', signature },
    ])
    assert.deepEqual(codes, ['KEY_VERSION_UNUSABLE', 'SIGNATURE_INVALID'])
  })
})

describe('a rewrap', () => {
  test('moves to the current version, another key and another context', async () => {
    await coffre.keys.create({ name: 'from' })
    const context = { row: '1' }
    const { ciphertext } = await coffre.encrypt({ key: 'from', plaintext: 'p', context })
    await coffre.keys.rotate('from')
    const moved = await coffre.rewrap({ ciphertext, context })
    assert.deepEqual([moved.key, moved.version], ['from', 2])
    const away = await coffre.rewrap({ ciphertext, context, toKey: 'aes', toContext: { row: '2' } })
    assert.equal(
      text((await coffre.decrypt({ ciphertext: away.ciphertext, context: { row: '2' } })).plaintext),
      'p',
    )
    const codes = await codesOf('rewrap', [
      { ciphertext },
      { ciphertext, context, toKey: 'none' },
      { ciphertext, context, toKey: 'hmac' },
      { ciphertext, context },
    ])
    assert.deepEqual(codes, ['DECRYPTION_FAILED', 'KEY_NOT_FOUND', 'PURPOSE_MISMATCH', 'ok'])
  })
})

describe('limits', () => {
  test('a plaintext has at most 1 MiB', async () => {
    const items = [2 ** 20, 2 ** 20 + 1].map((bytes) => ({ key: 'aes', plaintext: new Uint8Array(bytes) }))
    assert.deepEqual(await codesOf('encrypt', items), ['ok', 'LIMIT_EXCEEDED'])
  })
  test('a context has at most 32 pairs of 1,024 bytes, in well-formed Unicode', async () => {
    const pairs = (count: number) =>
      Object.fromEntries(Array.from({ length: count }, (_, index) => [`n${index}`, 'v']))
    const contexts = [
      pairs(32),
      { n: 'v'.repeat(1_024) },
      pairs(33),
      { n: 'é'.repeat(513) },
      { ['n'.repeat(1_025)]: '' },
      { n: '\ud800' },
      { n: 1 as unknown as string },
    ]
    const items = contexts.map((context) => ({ key: 'aes', plaintext: '', context }))
    const codes = await codesOf('encrypt', items)
    const large = 'LIMIT_EXCEEDED'
    assert.deepEqual(codes, ['ok', 'ok', large, large, large, 'INVALID_REQUEST', 'INVALID_REQUEST'])
  })
  test('a batch has at most 1,000 items, and may have none', async () => {
    const items = Array.from({ length: 1_001 }, () => ({}))
    await assert.rejects(coffre.batch('random', items), failsWith('LIMIT_EXCEEDED'))
    assert.deepEqual(await coffre.batch('random', []), [])
  })
  test('random bytes come 1 to 65,536 at once', async () => {
    const codes = await codesOf(
      'random',
      [1, 65_536, 0, 65_537, -1, 1.5].map((bytes) => ({ bytes })),
    )
    const bad = 'INVALID_REQUEST'
    assert.deepEqual(codes, ['ok', 'ok', bad, bad, bad, bad])
  })
})

describe('a key request', () => {
  test('with what is no name, algorithm, purpose, label or tag is refused', async () => {
    const requests: readonly [Record<string, unknown>, Parameters<typeof failsWith>[0]][] = [
      [{ name: '' }, 'INVALID_REQUEST'],
      [{ name: '../x' }, 'INVALID_REQUEST'],
      [{ name: 'a..b' }, 'INVALID_REQUEST'],
      [{ name: 'ключ' }, 'INVALID_REQUEST'],
      [{ name: undefined }, 'INVALID_REQUEST'],
      [{ name: 'a'.repeat(129) }, 'INVALID_REQUEST'],
      [{ name: 'n', algorithm: 'rot13' }, 'ALGORITHM_UNSUPPORTED'],
      [{ name: 'n', algorithm: '__proto__' }, 'ALGORITHM_UNSUPPORTED'],
      [{ name: 'n', algorithm: 'rsa-2048', purpose: 'sign' }, 'ALGORITHM_UNSUPPORTED'],
      [{ name: 'n', algorithm: 'rsa-4096' }, 'ALGORITHM_UNSUPPORTED'],
      [{ name: 'n', purpose: 'sign' }, 'ALGORITHM_UNSUPPORTED'],
      [{ name: 'n', securityLevel: 'extreme' }, 'INVALID_REQUEST'],
      [{ name: 'n', description: 'x'.repeat(257) }, 'INVALID_REQUEST'],
      [{ name: 'n', tags: ['x'] }, 'INVALID_REQUEST'],
      [{ name: 'n', tags: 'x' }, 'INVALID_REQUEST'],
      [{ name: 'n', tags: { x: 1 } }, 'INVALID_REQUEST'],
      [{ name: 'n', tags: { '': 'x' } }, 'INVALID_REQUEST'],
      [{ name: 'aes' }, 'KEY_EXISTS'],
    ]
    for (const [request, code] of requests) {
      await assert.rejects(coffre.keys.create(request as never), failsWith(code), JSON.stringify(request))
    }
    assert.ok(!(await coffre.keys.list()).some(({ name }) => name === 'n'))
  })
})

test('no record holds a plaintext, a context or a ciphertext', async () => {
  const secret = 'canary-in-the-log'
  const context = { [`${secret}-name`]: `${secret}-value` }
  const { ciphertext } = await coffre.encrypt({ key: 'aes', plaintext: secret, context })
  await coffre.decrypt({ ciphertext, context })
  await assert.rejects(coffre.decrypt({ ciphertext }))
  const records = await coffre.audit.list({ from: Math.max(0, (await coffre.audit.verify()).size - 3) })
  assert.deepEqual(
    records.map(({ action, outcome }) => `${action} ${outcome}`),
    ['data.encrypt ok', 'data.decrypt ok', 'data.decrypt refused'],
  )
  for (const { body } of records) {
    assert.ok(!body.includes(secret) && !body.includes(ciphertext.slice(40, 80)), body)
    assert.equal((JSON.parse(body) as { by: string }).by, 'local')
  }
})
