import assert from 'node:assert/strict'
import { after, describe, test } from 'node:test'
import { generateKeyPairSync } from 'node:crypto'
import { DATA_OPERATION_NAMES } from '../../src/model/coffre.ts'
import { failsWith } from '../temporary.ts'
import { startServer } from './running-server.ts'

const { admin, send, adminToken } = await startServer({ after })
const text = (bytes: Uint8Array) => Buffer.from(bytes).toString()

describe('through connectCoffre and a real socket', () => {
  test('a key lives its whole life', async () => {
    const { keys } = admin
    const made = await keys.create({
      name: 'life',
      description: 'd',
      tags: { a: 'b' },
      securityLevel: 'high',
    })
    assert.deepEqual([made.currentVersion, made.tags, made.securityLevel], [1, { a: 'b' }, 'high'])
    assert.equal((await keys.update('life', { owner: 'me' })).owner, 'me')
    assert.equal((await keys.rotate('life')).currentVersion, 2)
    assert.equal((await keys.rollback('life')).currentVersion, 1)
    assert.equal((await keys.rollback('life', { version: 2 })).currentVersion, 2)
    assert.equal((await keys.suspend('life')).currentVersion, undefined)
    assert.equal((await keys.resume('life')).currentVersion, 2)
    assert.equal((await keys.deactivate('life')).versions[1]?.state, 'deactivated')
    assert.equal((await keys.rotate('life')).currentVersion, 3)
    assert.equal((await keys.compromise('life', { version: 2 })).versions[1]?.state, 'compromised')
    assert.equal((await keys.setFloor('life', 3)).floor, 3)
    assert.equal((await keys.destroy('life', { version: 1 })).versions[0]?.state, 'destroyed')
    assert.ok((await keys.scheduleDestroy('life', { days: 7 })).destroyAt !== undefined)
    await assert.rejects(admin.encrypt({ key: 'life', plaintext: 'x' }), failsWith('KEY_PENDING_DESTRUCTION'))
    assert.equal((await keys.cancelDestroy('life')).destroyAt, undefined)
    assert.deepEqual(
      await keys.get('life'),
      (await keys.list()).find(({ name }) => name === 'life'),
    )
  })

  test('lists go on after a name', async () => {
    for (const name of ['page-1', 'page-2', 'page-3']) await admin.keys.create({ name })
    const names = (await admin.keys.list({ after: 'page-1', limit: 2 })).map(({ name }) => name)
    assert.deepEqual(names, ['page-2', 'page-3'])
  })

  test('data is encrypted, rewrapped and decrypted', async () => {
    await admin.keys.create({ name: 'data' })
    const context = { row: '1' }
    const { ciphertext } = await admin.encrypt({ key: 'data', plaintext: 'é', context })
    const moved = await admin.rewrap({ ciphertext, context, toContext: { row: '2' } })
    assert.equal(text((await admin.decrypt({ ...moved, context: { row: '2' } })).plaintext), 'é')
    await assert.rejects(admin.decrypt({ ciphertext }), failsWith('DECRYPTION_FAILED'))
    const dataKey = await admin.generateDataKey({ key: 'data', bytes: 16 })
    assert.deepEqual((await admin.decrypt(dataKey)).plaintext, dataKey.plaintext)
    const { format, key, version } = await admin.inspect(ciphertext)
    assert.deepEqual({ format, key, version }, { format: 'coffre-ciphertext', key: 'data', version: 1 })
    assert.equal((await admin.inspect(Buffer.from(ciphertext, 'base64url'))).format, 'coffre-ciphertext')
  })

  test('messages are signed, authenticated and verified', async () => {
    await admin.keys.create({ name: 'sign', algorithm: 'ed25519' })
    await admin.keys.create({ name: 'mac', algorithm: 'hmac-sha512' })
    const { signature } = await admin.sign({ key: 'sign', message: 'm' })
    assert.equal((await admin.verify({ key: 'sign', message: 'm', signature })).version, 1)
    await assert.rejects(
      admin.verify({ key: 'sign', message: 'n', signature }),
      failsWith('SIGNATURE_INVALID'),
    )
    const { mac } = await admin.mac({ key: 'mac', message: 'm' })
    assert.equal((await admin.verifyMac({ key: 'mac', message: 'm', mac })).version, 1)
    await assert.rejects(admin.verifyMac({ key: 'mac', message: 'n', mac }), failsWith('SIGNATURE_INVALID'))
  })

  test('random bytes differ', async () => {
    const [one, two] = [await admin.random({}), await admin.random({ bytes: 32 })]
    assert.equal(one.bytes.length, 32)
    assert.notDeepEqual(one.bytes, two.bytes)
  })

  test('a batch answers each item by itself', async () => {
    await admin.keys.create({ name: 'batch' })
    const items = [
      { key: 'batch', plaintext: 'a' },
      { key: 'none', plaintext: 'b' },
      { key: 'batch', plaintext: 'c' },
    ]
    const made = await admin.batch('encrypt', items)
    assert.deepEqual(
      made.map((item) => (item.ok ? 'ok' : item.error.code)),
      ['ok', 'KEY_NOT_FOUND', 'ok'],
    )
  })

  test('the audit log is listed and verifies', async () => {
    const { valid, size } = await admin.audit.verify()
    assert.equal(valid, true)
    assert.equal((await admin.audit.list({ last: 2 })).length, 2)
    const [record] = await admin.audit.list({ from: size - 1, limit: 1 })
    assert.equal(record?.index, size - 1)
  })

  test('seal and unseal', async () => {
    assert.equal((await admin.operator.seal()).sealed, true)
    await assert.rejects(admin.keys.list(), failsWith('SEALED'))
    assert.equal((await admin.operator.unseal()).sealed, false)
    assert.equal((await admin.operator.status()).store, 'sqlite')
  })
})

describe('/openapi.json', () => {
  test('is OpenAPI 3.1 with every operation described and its errors', async () => {
    const { body } = await send('/openapi.json')
    assert.match(String(body['openapi']), /^3\.1\.\d$/)
    const paths = body['paths'] as Record<string, Record<string, Record<string, unknown>>>
    for (const name of DATA_OPERATION_NAMES) {
      assert.ok(paths[`/api/v1/${name}`]?.['post'] !== undefined, name)
      assert.ok(paths[`/api/v1/${name}/batch`]?.['post'] !== undefined, name)
    }
    const operations = Object.entries(paths).flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, operation]) => ({ what: `${method} ${path}`, path, operation })),
    )
    assert.ok(operations.length > 40)
    for (const { what, path, operation } of operations) {
      assert.ok(String(operation['summary']).length > 0, what)
      const responses = operation['responses'] as Record<string, object>
      assert.ok(
        Object.keys(responses).some((status) => status.startsWith('2')),
        what,
      )
      const parameters = (operation['parameters'] ?? []) as { name: string; in: string }[]
      const inPath = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name)
      assert.deepEqual(
        parameters.filter((each) => each.in === 'path').map(({ name }) => name),
        inPath,
        what,
      )
    }
    for (const reference of JSON.stringify(body).matchAll(/"\$ref":"#\/([^"]+)"/g)) {
      const found = (reference[1] ?? '')
        .split('/')
        .reduce<unknown>((at, name) => (at as Record<string, unknown>)[name], body)
      assert.ok(found !== undefined, reference[0])
    }
  })
})

describe('/metrics', () => {
  test('is Prometheus text that names routes, never keys', async () => {
    await admin.keys.create({ name: 'canary-in-a-path' })
    await admin.keys.get('canary-in-a-path')
    const { body, type, status } = await send('/metrics')
    const lines = String(body['text'])
      .split('\n')
      .filter((line) => line !== '')
    assert.equal(status, 200)
    assert.match(type, /^text\/plain/)
    assert.ok(lines.length > 50)
    for (const line of lines) {
      assert.match(line, /^(# (HELP|TYPE) \S+ .+|[a-zA-Z_:][\w:]*(\{[^}]*\})? -?[\d.e+-]+(NaN|Inf)?)$/)
    }
    assert.ok(
      lines.some((line) => line.startsWith('coffre_data_items_total{operation="encrypt",outcome="ok"}')),
    )
    assert.ok(lines.includes('coffre_sealed 0'))
    assert.ok(!String(body['text']).includes('canary'))
  })
})

test('a key is agreed on with a peer', async () => {
  const { publicKey } = generateKeyPairSync('x25519')
  await admin.keys.create({ name: 'agree', algorithm: 'x25519' })
  const peerPublicKey = publicKey.export({ type: 'spki', format: 'pem' }).toString()
  const body = { key: 'agree', peerPublicKey, info: 'test' }
  const answer = await send('/api/v1/derive-key', { method: 'POST', token: adminToken, body })
  assert.equal(answer.status, 200, JSON.stringify(answer.body))
  assert.equal(Buffer.from(String(answer.body['derivedKey']), 'base64').length, 32)
})
