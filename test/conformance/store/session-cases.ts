import assert from 'node:assert/strict'
import { test } from 'node:test'
import { addMilliseconds } from '../../../src/model/clock.ts'
import { parseKeyId } from '../../../src/model/ids.ts'
import type { SessionRevocationRow } from '../../../src/model/session.ts'
import { LATER, NOW } from './sample.ts'
import type { WithStore } from './suite.ts'

const KEY = parseKeyId('11111111-1111-4111-8111-111111111111')
const OTHER = parseKeyId('22222222-2222-4222-8222-222222222222')
const MUCH_LATER = addMilliseconds(LATER, 1)
const ROWS: readonly SessionRevocationRow[] = [
  { kind: 'all', subject: '', before: NOW, until: LATER },
  { kind: 'id', subject: 'AAAAAAAAAAAAAAAAAAAAAA', before: NOW, until: LATER },
  { kind: 'user', subject: 'Zoë', before: NOW, until: MUCH_LATER },
]

export function testSessionRevocations(withStore: WithStore): void {
  test('revocations are listed by key exactly as they were written, and announced', () =>
    withStore(async (store) => {
      const before = await store.readChangeCount()
      for (const row of ROWS) await store.transaction((tx) => tx.putSessionRevocation(KEY, row))
      assert.deepEqual(await store.listSessionRevocations(KEY), ROWS)
      assert.deepEqual(await store.listSessionRevocations(OTHER), [])
      const changes = await store.listChanges(before, 10)
      assert.deepEqual(
        changes.map(({ kind, id }) => [kind, id]),
        ROWS.map(() => ['session', KEY]),
      )
    }))

  test('the same revocation again keeps the later of both moments', () =>
    withStore(async (store) => {
      const subject = 'marie'
      const put = (before: typeof NOW, until: typeof NOW) =>
        store.transaction((tx) => tx.putSessionRevocation(KEY, { kind: 'user', subject, before, until }))
      await put(LATER, LATER)
      await put(NOW, MUCH_LATER)
      await put(NOW, NOW)
      const expected = [{ kind: 'user', subject, before: LATER, until: MUCH_LATER }]
      assert.deepEqual(await store.listSessionRevocations(KEY), expected)
    }))

  test('revocations that are over are pruned, and no others', () =>
    withStore(async (store) => {
      for (const row of ROWS) await store.transaction((tx) => tx.putSessionRevocation(KEY, row))
      assert.equal(await store.transaction((tx) => tx.pruneSessionRevocations(NOW)), 0)
      assert.equal(await store.transaction((tx) => tx.pruneSessionRevocations(LATER)), 2)
      assert.deepEqual(await store.listSessionRevocations(KEY), ROWS.slice(2))
    }))
}
