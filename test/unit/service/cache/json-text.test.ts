import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { readJson, writeJson } from '../../../../src/service/cache/json-text.ts'
import { JsonText, restyleJson } from '../../../../src/model/json-text.ts'
import { failsWith } from '../../../temporary.ts'

function python(value: unknown): string {
  return Buffer.from(writeJson(value, 'python')).toString()
}

describe('JSON as json.dumps writes it', () => {
  const CASES: readonly [unknown, string][] = [
    [{ value: '14230', date: '2024-01-15' }, '{"value": "14230", "date": "2024-01-15"}'],
    [[1, [2, {}], []], '[1, [2, {}], []]'],
    ["l'Évangile 😀", String.raw`"l'\u00c9vangile \ud83d\ude00"`],
    ['"\\\n\r\t\f\b\u0001\u007f/', String.raw`"\"\\\n\r\t\f\b\u0001\u007f/"`],
    [
      [1.5, 0.1, -0.25, 1e-5, 1.5e-7, 1e-10, 0.0001, 123456.789],
      '[1.5, 0.1, -0.25, 1e-05, 1.5e-07, 1e-10, 0.0001, 123456.789]',
    ],
    [[1e16, 123456789012345680000, 1e21, -3, 0], '[10000000000000000, 123456789012345683968, 1e+21, -3, 0]'],
    [[null, true, false], '[null, true, false]'],
    [{ a: undefined, é: new Date(0) }, String.raw`{"\u00e9": "1970-01-01T00:00:00.000Z"}`],
  ]
  for (const [value, text] of CASES) {
    test(text.slice(0, 60), () => assert.equal(python(value), text))
  }
})

test('a JSON text is stored as it is, whatever the style, and is its value inside another', () => {
  const text = '{"a": 1.0,"b":[1e5 , 12345678901234567890], "c":"\\u00e9"}'
  for (const style of ['compact', 'python'] as const) {
    assert.equal(Buffer.from(writeJson(new JsonText(` ${text}\r\n`), style)).toString(), text)
  }
  assert.equal(JSON.stringify([new JsonText('{"a": 1}')]), '[{"a":1}]')
  for (const wrong of ['', '{', 'NaN', '1 2', '"\ud800"', '\u00a01']) {
    assert.throws(() => new JsonText(wrong), failsWith('INVALID_REQUEST'), wrong)
  }
  const long = new JsonText(`"${'x'.repeat(1024 * 1024)}"`)
  assert.throws(() => writeJson(long, 'compact'), failsWith('LIMIT_EXCEEDED'))
})

test('a JSON text in another style keeps numbers, order and repeated names', () => {
  const text = '{"b": 1.0,\n "2":-0, "1": [1E5,0.00001, 1e-7], "b": "\\u00e9, \\"x\\": é"}'
  assert.equal(restyleJson(text, 'compact'), '{"b":1.0,"2":-0,"1":[1E5,0.00001,1e-7],"b":"é, \\"x\\": é"}')
  assert.equal(
    restyleJson(text, 'python'),
    String.raw`{"b": 1.0, "2": -0, "1": [1E5, 1e-05, 1e-07], "b": "\u00e9, \"x\": \u00e9"}`,
  )
  const long = `"${String.raw`\u00e9\"`.repeat(100_000)}"`
  assert.equal(JSON.parse(restyleJson(long, 'python')), JSON.parse(long))
})

test('both styles are read', () => {
  for (const text of ['{"a": 1.0, "b": "\\u00e9"}', '{"a":1,"b":"é"}']) {
    assert.deepEqual(readJson(Buffer.from(text)), { a: 1, b: 'é' })
  }
})

test('what is no JSON, or too long, is refused', () => {
  const refused = failsWith('INVALID_REQUEST')
  const circle: Record<string, unknown> = {}
  circle['self'] = circle
  for (const value of [undefined, circle, 1n, () => 1, Symbol('s')]) {
    assert.throws(() => writeJson(value, 'compact'), refused)
  }
  for (const text of ['', '{', 'NaN', "{'a': 1}"]) assert.throws(() => readJson(Buffer.from(text)), refused)
  assert.throws(() => readJson(Uint8Array.of(0x22, 0xff, 0x22)), refused)
  assert.throws(() => writeJson('x'.repeat(1024 * 1024), 'compact'), failsWith('LIMIT_EXCEEDED'))
})
