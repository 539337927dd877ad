import assert from 'node:assert/strict'
import { test } from 'node:test'
import { toInstant } from '../../../../src/model/clock.ts'
import { SourceEntries } from '../../../../src/service/cache/source-entries.ts'
import { SourceKeys } from '../../../../src/service/cache/source-keys.ts'
import { LruCacheStore } from '../../../../src/store/lru/lru-cache-store.ts'

const NAME = 'contract:12345678901234'
const NOW = 1_705_312_800
const TTL = 86_400

/** Another writer is faster, once: between seeing that nothing is there and writing it. */
class OvertakenStore extends LruCacheStore {
  faster: Uint8Array | undefined

  override async setIfAbsent(name: string, value: Uint8Array, ttlSeconds: number): Promise<boolean> {
    if (this.faster !== undefined) await super.set(name, this.faster, ttlSeconds)
    this.faster = undefined
    return super.setIfAbsent(name, value, ttlSeconds)
  }
}

test('an entry of another key that came in between is not overwritten, and leaves no trace in the set', async () => {
  const store = new OvertakenStore({ maxBytes: 1024 * 1024, now: () => NOW * 1_000 })
  const entries = new SourceEntries(store, () => toInstant(NOW * 1_000))
  const keys = new SourceKeys()
  const [mine, theirs] = [keys.get('mine'), keys.get('theirs')]
  await entries.write(theirs, { name: NAME, plaintext: Buffer.from('1'), ttlSeconds: TTL })
  const stored = await store.get(NAME)
  assert.ok(stored !== undefined)
  await store.delete([NAME])
  store.faster = stored
  const moved = { name: NAME, plaintext: Buffer.from('2'), ttlSeconds: TTL, writtenAt: NOW }
  assert.deepEqual(await entries.write(mine, moved), { outcome: 'conflict', replacedTampered: false })
  assert.equal(store.faster, undefined, 'the other writer was there')
  assert.deepEqual(await store.get(NAME), stored)
  assert.equal(await store.isInSet(mine.index, NAME), false)
})
