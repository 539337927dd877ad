import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { SeenRevisionsFile } from '../../../../src/service/backup/seen-revisions.ts'
import { takeLock } from '../../../../src/store/sqlite/folder-lock.ts'
import { makeFolder } from '../../../temporary.ts'

test('machines’ processes that remember at once forget nothing of each other', async (t) => {
  const folder = makeFolder(t)
  const path = join(folder, 'seen.json')
  const names = Array.from({ length: 6 }, (_, index) => `series-${index}`)
  await Promise.all(
    names.map(async (series, index) => {
      const seen = new SeenRevisionsFile(path, takeLock)
      for (let revision = 1; revision <= index + 1; revision += 1)
        await seen.remember('place', series, revision)
    }),
  )
  const seen = new SeenRevisionsFile(path, takeLock)
  const found = await Promise.all(names.map((series) => seen.read('place', series)))
  assert.deepEqual(
    found,
    names.map((_, index) => index + 1),
  )
  assert.deepEqual(readdirSync(folder), ['seen.json', 'seen.json.lock'])
})

test('what was seen is made less by nobody but who accepts it', async (t) => {
  const seen = new SeenRevisionsFile(join(makeFolder(t), 'seen.json'), takeLock)
  await seen.remember('place', 'nightly', 7)
  await seen.remember('place', 'nightly', 5)
  assert.equal(await seen.read('place', 'nightly'), 7)
  await seen.accept('place', 'nightly', 5)
  assert.deepEqual([await seen.read('place', 'nightly'), await seen.read('elsewhere', 'nightly')], [5, 0])
})
