import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { parseJsonBody } from '../../../src/http/json-body.ts'
import { CoffreError } from '../../../src/model/errors.ts'
import {
  MAX_JSON_DEPTH,
  MAX_JSON_ELEMENTS,
  MAX_JSON_ESCAPES,
  MAX_JSON_MEMBERS,
  MAX_JSON_VALUES,
} from '../../../src/model/limits.ts'
import { failsWith } from '../../temporary.ts'

/** Its end is missing, so whoever parsed it before looking at its size would say INVALID_REQUEST. */
const cut = (text: string) => text.slice(0, -1)
const nested = (depth: number) => '['.repeat(depth) + ']'.repeat(depth)
const elements = (count: number) => `[${Array.from({ length: count }, () => '1').join(',')}]`
const members = (count: number) => `{${Array.from({ length: count }, (_, at) => `"m${at}":1`).join(',')}}`
const escapes = (count: number) => `"${'\\/'.repeat(count)}"`
/** Arrays of arrays: 1,000 commas and values in each row. */
const rows = (count: number) => `[${Array.from({ length: count }, () => elements(1_000)).join(',')}]`

function refusalOf(parse: () => unknown): CoffreError {
  try {
    parse()
  } catch (error) {
    if (error instanceof CoffreError) return error
    throw error
  }
  return assert.fail('not refused')
}

describe('a body', () => {
  const bounds = [
    { name: 'depth', build: nested, greatest: MAX_JSON_DEPTH, fact: { depth: MAX_JSON_DEPTH } },
    { name: 'elements', build: elements, greatest: MAX_JSON_ELEMENTS, fact: { elements: MAX_JSON_ELEMENTS } },
    { name: 'members', build: members, greatest: MAX_JSON_MEMBERS, fact: { members: MAX_JSON_MEMBERS } },
    { name: 'escapes', build: escapes, greatest: MAX_JSON_ESCAPES, fact: { escapes: MAX_JSON_ESCAPES } },
    { name: 'values', build: rows, greatest: MAX_JSON_VALUES / 1_000 - 1, fact: { values: MAX_JSON_VALUES } },
  ] as const
  for (const { name, build, greatest, fact } of bounds) {
    test(`of the greatest number of ${name} is parsed`, () => {
      assert.deepEqual(parseJsonBody(build(greatest)), JSON.parse(build(greatest)))
    })

    test(`of more ${name} is refused before it is parsed`, () => {
      const { code, facts } = refusalOf(() => parseJsonBody(Buffer.from(cut(build(greatest + 2)))))
      assert.deepEqual({ code, facts }, { code: 'LIMIT_EXCEEDED', facts: { at: 'body', ...fact } })
    })
  }

  test('is bounded in each array and object by itself', () => {
    const objects = `[${Array.from({ length: 500 }, () => members(MAX_JSON_MEMBERS)).join(',')}]`
    assert.deepEqual(parseJsonBody(objects), JSON.parse(objects))
  })

  test('may have brackets, commas and escaped quotes in its texts', () => {
    const text = JSON.stringify({ a: '[{,"'.repeat(MAX_JSON_MEMBERS), b: '\\"\\\\' })
    assert.deepEqual(parseJsonBody(text), JSON.parse(text))
  })

  test('that is no JSON ends, whatever its brackets say', () => {
    for (const text of [']]]],,,[', '}{', '"', '"\\', ','.repeat(100), nested(3).slice(1)]) {
      assert.throws(() => parseJsonBody(text), failsWith('INVALID_REQUEST'), text)
    }
  })
})
