import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { randomKeyMaterial } from '../../../src/crypto/random.ts'
import { destroyVersion, moveKey, rotateKey, setFloor } from '../../../src/keyring/rotation.ts'
import { Refusal } from '../../../src/keyring/refusal.ts'
import { toInstant } from '../../../src/model/clock.ts'
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

  /** From which version on materials were read, in order. */
  readonly readFrom: (number | undefined)[] = []
  known: Key | undefined

  findKey = (_tenant: unknown, _name: unknown, known?: Key) => {
    this.known = known
    return Promise.resolve(this.key)
  }
  findKeyById = () => Promise.resolve(this.key)
  readWrapped = async (_id: unknown, from?: number) => {
    this.readFrom.push(from)
    this.reading.resolve(undefined)
    await this.gate.promise
    return new Map([...this.wrapped].filter(([version]) => version >= (from ?? 1)))
  }
}

async function setUp() {
  const seal = { name: 'file', create: makeSealKey, recover: () => assert.fail('not needed') } as const
  const { vault } = await UnsealedVault.create(seal)
  const store = new SlowStore(sampleKey())
  const { tenant, id: keyId, algorithm, purpose } = store.key
  const wrap = (version: VersionNumber) => {
    const binding = { tenant, keyId, version, algorithm, purpose }
    store.wrapped.set(version, vault.wrap(randomKeyMaterial(32), binding))
  }
  for (const { version } of store.key.versions) wrap(version)
  /** As another process does it: the store has it, and the feed tells of it. */
  const changeElsewhere = (after: Key | Refusal) => {
    assert.ok(!(after instanceof Refusal))
    for (const { version } of after.versions.slice(store.key.versions.length)) wrap(version)
    store.key = after
    cache.forget({ seq: after.epoch, kind: 'key', id: keyId, epoch: after.epoch })
  }
  const cache = new KeyringCache(store as unknown as ReadStore, vault, async () => undefined)
  return {
    vault,
    store,
    cache,
    changeElsewhere,
    find: () => cache.findByName(Reach.whole(tenant, 'data.encrypt'), store.key.name),
  }
}

async function makeSealKey() {
  return { sealKey: randomKeyMaterial(32), parameters: new Uint8Array(0) }
}

function destroyFirst(key: Key): Key | Refusal {
  const raised = setFloor(key, 2, LATER)
  return raised instanceof Refusal ? raised : destroyVersion(raised, 1, LATER)
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

  test('after rotations elsewhere it reads what they added, and no more', async () => {
    const { store, find, changeElsewhere } = await setUp()
    store.gate.resolve(undefined)
    const first = await find()
    for (const _ of [2, 3]) changeElsewhere(rotateKey(store.key, { now: LATER }))
    const found = await find()
    assert.equal(store.known, first.key)
    assert.deepEqual(store.readFrom, [1, 2])
    assert.equal(found.key.epoch, store.key.epoch)
    const [one, two, three] = store.key.versions.map(({ version }) => found.materialOf(version))
    assert.equal(one, first.materialOf(store.key.floor))
    assert.ok(two !== undefined && three !== undefined)
  })

  test('material that was destroyed elsewhere is wiped when the key is read again', async () => {
    const { store, find, changeElsewhere } = await setUp()
    store.gate.resolve(undefined)
    changeElsewhere(rotateKey(store.key, { now: LATER }))
    const [first] = store.key.versions
    const material = (await find()).materialOf(store.key.floor)
    assert.ok(first !== undefined && material !== undefined)
    changeElsewhere(destroyFirst(store.key))
    assert.equal((await find()).materialOf(first.version), undefined)
    assert.throws(() => material.equals(material), failsWith('KEY_VERSION_UNUSABLE'))
  })

  test('material of a version of another life is not taken for that of this one', async () => {
    const { store, find, changeElsewhere } = await setUp()
    store.gate.resolve(undefined)
    const before = await find()
    const createdAt = toInstant(LATER + 1)
    const versions = store.key.versions.map((each) => ({ ...each, createdAt }))
    changeElsewhere({ ...store.key, versions, epoch: store.key.epoch + 1 })
    assert.notEqual((await find()).materialOf(store.key.floor), before.materialOf(store.key.floor))
    assert.deepEqual(store.readFrom, [1, 1])
  })

  test('a change of its own that arrives after news of a later one is not taken for current', async () => {
    const { store, cache, find, changeElsewhere } = await setUp()
    store.gate.resolve(undefined)
    await find()
    const own = suspended(store.key)
    const later = moveKey(own, 'resume', { now: LATER })
    changeElsewhere(later)
    cache.replace(own, new Map())
    assert.equal((await find()).key.epoch, store.key.epoch)
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
