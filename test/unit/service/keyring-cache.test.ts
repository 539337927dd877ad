import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { randomKeyMaterial } from '../../../src/crypto/random.ts'
import { moveKey, rotateKey } from '../../../src/keyring/rotation.ts'
import { Refusal } from '../../../src/keyring/refusal.ts'
import type { Key } from '../../../src/model/key.ts'
import type { VersionNumber } from '../../../src/model/ids.ts'
import type { Wrapped } from '../../../src/model/wrapped.ts'
import { UnsealedVault } from '../../../src/seal/vault.ts'
import { Reach } from '../../../src/service/policy/reach.ts'
import { KeyringCache } from '../../../src/service/keys/keyring-cache.ts'
import type { ReadStore } from '../../../src/store/store.ts'
import { LATER, sampleKey } from '../../conformance/store/sample.ts'
import { failsWith } from '../../temporary.ts'

/** A store of one key whose materials are read only when the test says so. */
class SlowStore {
  key: Key
  readonly wrapped = new Map<VersionNumber, Wrapped>()
  readonly gate = Promise.withResolvers<undefined>()
  readonly reading = Promise.withResolvers<undefined>()

  constructor(key: Key) {
    this.key = key
  }

  findKey = () => Promise.resolve(this.key)
  findKeyById = () => Promise.resolve(this.key)
  readWrapped = async () => {
    this.reading.resolve(undefined)
    await this.gate.promise
    return this.wrapped
  }
}

async function setUp() {
  const seal = { name: 'file', create: makeSealKey, recover: () => assert.fail('not needed') } as const
  const { vault } = await UnsealedVault.create(seal)
  const store = new SlowStore(sampleKey())
  const { tenant, id: keyId, algorithm, purpose } = store.key
  for (const { version } of store.key.versions) {
    const binding = { tenant, keyId, version, algorithm, purpose }
    store.wrapped.set(version, vault.wrap(randomKeyMaterial(32), binding))
  }
  const cache = new KeyringCache(store as unknown as ReadStore, vault, async () => undefined)
  return {
    vault,
    store,
    cache,
    find: () => cache.findByName(Reach.whole(tenant, 'data.encrypt'), store.key.name),
  }
}

async function makeSealKey() {
  return { sealKey: randomKeyMaterial(32), parameters: new Uint8Array(0) }
}

function suspended(key: Key): Key {
  const next = moveKey(key, 'suspend', { now: LATER })
  return next instanceof Refusal ? assert.fail(next.code) : next
}

describe('the cache of keyrings', () => {
  test('does not keep what a change overtook while it was read', async () => {
    const { store, cache, find } = await setUp()
    const loading = find()
    await store.reading.promise
    store.key = suspended(store.key)
    cache.replace(store.key, new Map())
    store.gate.resolve(undefined)
    await loading
    assert.equal((await find()).key.epoch, store.key.epoch)
  })

  test('keeps the later of two changes whose answers cross', async () => {
    const { store, cache, find } = await setUp()
    store.gate.resolve(undefined)
    await find()
    const first = suspended(store.key)
    const resumed = moveKey(first, 'resume', { now: LATER })
    assert.ok(!(resumed instanceof Refusal))
    cache.replace(resumed, new Map())
    cache.replace(first, new Map())
    assert.equal((await find()).key.epoch, resumed.epoch)
  })

  test('reads again when it has not the material of a new version', async () => {
    const { store, cache, find } = await setUp()
    store.gate.resolve(undefined)
    await find()
    const rotated = rotateKey(store.key, { now: LATER })
    assert.ok(!(rotated instanceof Refusal))
    cache.replace(rotated, new Map())
    store.key = rotated
    await assert.rejects(find(), failsWith('STORE_DAMAGED'))
  })

  test('knows no key of another tenant by its id', async () => {
    const { store, cache } = await setUp()
    store.gate.resolve(undefined)
    const other = 'other' as typeof store.key.tenant
    assert.equal(await cache.findById(Reach.whole(other, 'data.decrypt'), store.key.id), undefined)
  })

  test('loads nothing after the vault was sealed', async () => {
    const { store, vault, cache, find } = await setUp()
    const loading = find()
    await store.reading.promise
    cache.clear()
    vault.seal()
    store.gate.resolve(undefined)
    await assert.rejects(loading, failsWith('SEALED'))
  })
})
