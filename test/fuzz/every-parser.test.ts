import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { test } from 'node:test'
import {
  BY_A_PATTERN,
  FROM_OUTSIDE_ALL_THE_SAME,
  FUZZED_FUNCTIONS,
  NOT_FROM_OUTSIDE,
  READERS_OF_BYTES,
} from './fuzzed-functions.ts'
import { makeFuzzedParsers } from './parsers.ts'

const ROOT = resolve(import.meta.dirname, '../..')
const PARSER = /^export (?:async )?function ((?:parse|decode|unwrap|open)[A-Z]\w*)/gm
const READER = /^export (?:async )?function (read[A-Z]\w*)/gm

function findFunctions(): readonly string[] {
  const elsewhere = [...BY_A_PATTERN, ...NOT_FROM_OUTSIDE]
  const isIn = (folders: readonly string[], file: string) => folders.some((folder) => file.startsWith(folder))
  const files = globSync('src/**/*.ts', { cwd: ROOT }).filter(
    (file) => isIn(FROM_OUTSIDE_ALL_THE_SAME, file) || !isIn(elsewhere, file),
  )
  return files.flatMap((file) => {
    const text = readFileSync(resolve(ROOT, file), 'utf8')
    const patterns = isIn(READERS_OF_BYTES, file) ? [PARSER, READER] : [PARSER]
    return patterns.flatMap((pattern) => [...text.matchAll(pattern)].map(([, name = '']) => name))
  })
}

test('every exported parser of bytes from outside is fuzzed, or says why not', async () => {
  const found = new Set(findFunctions())
  assert.ok(found.size > 30, 'the search finds nothing')
  const listed = new Set(Object.keys(FUZZED_FUNCTIONS))
  assert.deepEqual(
    [...found].filter((name) => !listed.has(name)),
    [],
    'give it to a fuzzed parser, and name that one in fuzzed-functions.ts',
  )
  assert.deepEqual(
    [...listed].filter((name) => !found.has(name)),
    [],
    'it is gone, or has another name',
  )
  const parsers = new Set((await makeFuzzedParsers()).map(({ name }) => name))
  const unknown = Object.values(FUZZED_FUNCTIONS).filter(
    (name) => !name.startsWith('(') && !parsers.has(name),
  )
  assert.deepEqual(unknown, [], 'no such fuzzed parser')
})
