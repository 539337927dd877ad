import assert from 'node:assert/strict'
import { test } from 'node:test'
import { judge } from '../../../src/audit/judge.ts'
import type { Change, ReadChanges, Reliance } from '../../../src/store/changes.ts'

/** Changes 1 to `count` of the keys a, b, a, b …; those up to `forgotten` have no record any more. */
function changesUpTo(count: number, forgotten = 0): ReadChanges & { asked: number } {
  const changes = Array.from({ length: count }, (_, at): Change => {
    return { seq: at + 1, kind: 'key', id: at % 2 === 0 ? 'a' : 'b', epoch: 1 }
  })
  const source = {
    asked: 0,
    readChangeCount: async () => count,
    listChanges: async (after: number, limit: number) => {
      source.asked += 1
      return changes.filter(({ seq }) => seq > Math.max(after, forgotten)).slice(0, limit)
    },
  }
  return source
}

function reliesOn(id: string, count: number): Reliance {
  return { count, isTouchedBy: (change) => change.id === id }
}

async function judged(tx: ReadChanges, ...reliances: readonly (Reliance | undefined)[]) {
  const entries = reliances.map((reliance) => ({ reliance, isCurrent: false }))
  await judge(tx, entries)
  return entries.map(({ isCurrent }) => isCurrent)
}

test('what relies on nothing is not judged', async () => {
  const entries = [{ reliance: undefined, isCurrent: true }]
  const refuse = () => Promise.reject(new Error('nothing to ask'))
  await judge({ readChangeCount: refuse, listChanges: refuse }, entries)
  assert.deepEqual(entries, [{ reliance: undefined, isCurrent: true }])
})

test('nothing changed since: all is current, and the changes are not read', async () => {
  const tx = changesUpTo(4)
  assert.deepEqual(await judged(tx, reliesOn('a', 4), undefined), [true, true])
  assert.equal(tx.asked, 0)
})

test('each is judged by the changes after its own look-up, and by those that touch it', async () => {
  const tx = changesUpTo(4)
  const entries = [reliesOn('a', 2), reliesOn('a', 3), reliesOn('b', 3), reliesOn('c', 0), undefined]
  assert.deepEqual(await judged(tx, ...entries), [false, true, false, true, true])
  assert.equal(tx.asked, 1)
})

test('where changes have been forgotten, or are too many, nothing older is believed', async () => {
  assert.deepEqual(await judged(changesUpTo(9, 5), reliesOn('c', 4), reliesOn('c', 9)), [false, true])
  assert.deepEqual(await judged(changesUpTo(9, 5), reliesOn('c', 5)), [true])
  assert.deepEqual(await judged(changesUpTo(1_000), reliesOn('c', 0)), [true])
  assert.deepEqual(await judged(changesUpTo(1_001), reliesOn('c', 0)), [false])
})
