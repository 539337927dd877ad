import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { GroupCommit } from '../../../src/audit/group-commit.ts'
import { failsWith } from '../../temporary.ts'

describe('a group commit', () => {
  test('gathers what arrives together, and what arrives while it writes', async () => {
    const groups: (readonly number[])[] = []
    const first = Promise.withResolvers<undefined>()
    const started = Promise.withResolvers<undefined>()
    const commit = new GroupCommit<number>(async (items) => {
      groups.push(items)
      started.resolve(undefined)
      if (groups.length === 1) await first.promise
    })
    const early = [1, 2, 3].map((item) => commit.add(item))
    await started.promise
    const late = [4, 5].map((item) => commit.add(item))
    first.resolve(undefined)
    await Promise.all([...early, ...late])
    assert.deepEqual(groups, [
      [1, 2, 3],
      [4, 5],
    ])
  })

  test('writes at most 1,000 at once', async () => {
    const sizes: number[] = []
    const commit = new GroupCommit<number>(async (items) => void sizes.push(items.length))
    await Promise.all(Array.from({ length: 2_500 }, (_, item) => commit.add(item)))
    assert.deepEqual(sizes, [1_000, 1_000, 500])
  })

  test('that fails fails its own group and no later one', async () => {
    let fails = true
    const commit = new GroupCommit<number>(async () => {
      if (fails) throw new Error('the disk is full')
    })
    await assert.rejects(commit.add(1), failsWith('AUDIT_UNAVAILABLE'))
    fails = false
    await commit.add(2)
  })

  test('answers everybody when the store hangs, those who came later too', async () => {
    const started = Promise.withResolvers<undefined>()
    const commit = new GroupCommit<number>(() => {
      started.resolve(undefined)
      return Promise.withResolvers<void>().promise
    }, 20)
    const early = commit.add(1)
    await started.promise
    const late = commit.add(2)
    await assert.rejects(early, failsWith('AUDIT_UNAVAILABLE'))
    await assert.rejects(late, failsWith('AUDIT_UNAVAILABLE'))
    await assert.rejects(commit.add(3), failsWith('AUDIT_UNAVAILABLE'))
  })

  test('refuses at once what a hanging store could not take in time', async () => {
    const commit = new GroupCommit<number>(() => Promise.withResolvers<void>().promise, 20)
    const outcomes = Array.from({ length: 20_001 }, (_, item) => commit.add(item))
    await assert.rejects(Promise.race(outcomes.slice(-1)), failsWith('AUDIT_UNAVAILABLE'))
    await Promise.allSettled(outcomes)
  })
})
