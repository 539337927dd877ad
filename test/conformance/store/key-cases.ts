import assert from 'node:assert/strict'
import { test } from 'node:test'
import { toInstant } from '../../../src/model/clock.ts'
import { hasCode } from '../../../src/model/errors.ts'
import { DEFAULT_TENANT, parseKeyName, parseTenantId } from '../../../src/model/ids.ts'
import { SECURITY_LEVELS } from '../../../src/model/key.ts'
import type { KeyState } from '../../../src/model/key-state.ts'
import { toWrapped } from '../../../src/model/wrapped.ts'
import { LATER, materials, NOW, sampleKey, sampleWrapped, storeKey, versionNumber } from './sample.ts'
import type { WithStore } from './suite.ts'

const OTHER_TENANT = parseTenantId('other')

export function testKeys(withStore: WithStore): void {
  test('a key is found by name and by id, exactly as it was written', () =>
    withStore(async (store) => {
      const key = await storeKey(store, sampleKey())
      assert.deepEqual(await store.findKey(key.tenant, key.name), key)
      assert.deepEqual(await store.findKeyById(key.id), key)
    }))

  test('every state, date, label and public key survives', () =>
    withStore(async (store) => {
      const states: readonly KeyState[] = [
        { name: 'pre-activation', since: NOW },
        { name: 'active', since: LATER },
        { name: 'suspended', since: NOW, resumesTo: 'deactivated' },
        { name: 'suspended', since: NOW, resumesTo: 'active' },
        { name: 'deactivated', since: LATER },
        { name: 'compromised', since: LATER },
      ]
      for (const securityLevel of SECURITY_LEVELS) {
        const versions = states.map((state, position) => ({
          version: versionNumber(position + 1),
          state,
          createdAt: toInstant(NOW + position),
          publicKey: `-----BEGIN PUBLIC KEY-----\n${position}\n-----END PUBLIC KEY-----\n`,
        }))
        const labels = {
          ...sampleKey().labels,
          securityLevel,
          tags: { "it's": '"quoted" \u{1F511}', __proto__x: '' },
        }
        const name = parseKeyName(`key-${securityLevel}`)
        const key = sampleKey({ name, versions, labels, floor: versionNumber(3), destroyAt: LATER, epoch: 7 })
        await storeKey(store, key)
        assert.deepEqual(await store.findKeyById(key.id), key)
      }
    }))

  test('an unknown name, id or tenant finds nothing', () =>
    withStore(async (store) => {
      const key = await storeKey(store, sampleKey())
      assert.equal(await store.findKey(key.tenant, parseKeyName('unknown')), undefined)
      assert.equal(await store.findKey(OTHER_TENANT, key.name), undefined)
      assert.equal(await store.findKeyById(sampleKey().id), undefined)
      assert.equal((await store.readWrapped(sampleKey().id)).size, 0)
    }))

  test('a second key of the same name is refused, of another tenant accepted', () =>
    withStore(async (store) => {
      const key = await storeKey(store, sampleKey())
      await assert.rejects(storeKey(store, sampleKey()), (error) => hasCode(error, 'KEY_EXISTS'))
      await storeKey(store, sampleKey({ tenant: OTHER_TENANT }))
      assert.deepEqual(await store.findKey(key.tenant, key.name), key)
    }))

  test('the name of a destroyed key stays taken', () =>
    withStore(async (store) => {
      const destroyed = {
        version: versionNumber(1),
        state: { name: 'destroyed', since: NOW },
        createdAt: NOW,
      } as const
      const key = sampleKey({ versions: [destroyed] })
      await store.transaction((tx) => tx.insertKey(key, new Map()))
      await assert.rejects(storeKey(store, sampleKey()), (error) => hasCode(error, 'KEY_EXISTS'))
    }))

  test('names are distinct by case and ordered by their bytes', () =>
    withStore(async (store) => {
      for (const name of ['b', 'A', 'a', 'B', 'a.1', 'a-1', 'a_1']) {
        await storeKey(store, sampleKey({ name: parseKeyName(name) }))
      }
      const listed = await store.listKeys({ tenant: DEFAULT_TENANT, limit: 10 })
      assert.deepEqual(
        listed.map((key) => key.name),
        ['A', 'B', 'a', 'a-1', 'a.1', 'a_1', 'b'],
      )
    }))

  test('pages of a list follow each other without gap or repetition', () =>
    withStore(async (store) => {
      const names = Array.from({ length: 7 }, (_, index) => `key-${index}`)
      for (const name of names) await storeKey(store, sampleKey({ name: parseKeyName(name) }))
      await storeKey(store, sampleKey({ tenant: OTHER_TENANT }))
      const seen: string[] = []
      for (let pages = 0; pages < 10; pages += 1) {
        const last = seen.at(-1)
        const after = last === undefined ? {} : { after: parseKeyName(last) }
        const page = await store.listKeys({ tenant: DEFAULT_TENANT, limit: 3, ...after })
        assert.ok(page.length <= 3)
        if (page.length === 0) break
        seen.push(...page.map((key) => key.name))
      }
      assert.deepEqual(seen, names)
    }))

  test('the limit of a list counts keys, not their versions', () =>
    withStore(async (store) => {
      const versions = [1, 2, 3].map((number) => ({
        version: versionNumber(number),
        state: { name: 'deactivated', since: NOW } as const,
        createdAt: NOW,
      }))
      for (const name of ['a', 'b']) await storeKey(store, sampleKey({ name: parseKeyName(name), versions }))
      const listed = await store.listKeys({ tenant: DEFAULT_TENANT, limit: 2 })
      assert.deepEqual(
        listed.map((key) => key.versions.length),
        [3, 3],
      )
    }))

  test('keys whose time has come are listed until their material is gone', () =>
    withStore(async (store) => {
      const due = await storeKey(store, sampleKey({ name: parseKeyName('due'), destroyAt: NOW }))
      await storeKey(store, sampleKey({ name: parseKeyName('later'), destroyAt: LATER }))
      await storeKey(store, sampleKey({ name: parseKeyName('never') }))
      const other = await storeKey(store, sampleKey({ tenant: OTHER_TENANT, destroyAt: NOW }))
      const listed = await store.listKeysToDestroy(NOW)
      assert.deepEqual(new Set(listed.map((key) => key.id)), new Set([due.id, other.id]))
      const versions = due.versions.map((each) => ({
        ...each,
        state: { name: 'destroyed', since: NOW } as const,
      }))
      await store.transaction((tx) => tx.updateKey(due, { ...due, versions, epoch: 1 }))
      assert.deepEqual(
        (await store.listKeysToDestroy(NOW)).map((key) => key.id),
        [other.id],
      )
    }))

  test('material comes back byte for byte, from one byte to a megabyte', () =>
    withStore(async (store) => {
      for (const bytes of [1, 64, 4096, 1024 * 1024]) {
        const key = sampleKey({ name: parseKeyName(`key-${bytes}`) })
        const wrapped = toWrapped(Uint8Array.from({ length: bytes }, (_, index) => (index * 31) % 256))
        await store.transaction((tx) => tx.insertKey(key, materials([1, wrapped])))
        assert.deepEqual(await store.readWrapped(key.id), materials([1, wrapped]))
      }
    }))

  test('long texts come back whole', () =>
    withStore(async (store) => {
      const labels = { ...sampleKey().labels, description: 'é'.repeat(100_000) }
      const key = await storeKey(store, sampleKey({ labels }))
      assert.deepEqual(await store.findKeyById(key.id), key)
    }))

  test('a key without material for a version is refused whole', () =>
    withStore(async (store) => {
      const key = sampleKey()
      await assert.rejects(store.transaction((tx) => tx.insertKey(key, new Map())))
      assert.equal(await store.findKeyById(key.id), undefined)
    }))

  test('two active versions of one key are refused whole', () =>
    withStore(async (store) => {
      const [first] = sampleKey().versions
      assert.ok(first)
      const key = sampleKey({ versions: [first, { ...first, version: versionNumber(2) }] })
      const wrapped = materials([1, sampleWrapped()], [2, sampleWrapped()])
      await assert.rejects(store.transaction((tx) => tx.insertKey(key, wrapped)))
      assert.equal(await store.findKeyById(key.id), undefined)
    }))
}
