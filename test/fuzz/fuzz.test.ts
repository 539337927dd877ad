import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { Draw, mutate } from './mutate.ts'
import { checkSeeds, fuzz, FuzzFinding } from './fuzz.ts'
import { makeFuzzedParsers } from './parsers.ts'

/** npm run campaign -- fuzz takes a million. */
const COUNT = 20_000
const SEED = 1
const parsers = await makeFuzzedParsers()

describe('a changed input is refused with a CoffreError or means what it says', () => {
  for (const parser of parsers) {
    test(parser.name, async (t) => {
      await checkSeeds(parser)
      const { inputs, accepted } = await fuzz(parser, { count: COUNT, seed: SEED })
      t.diagnostic(`cases: ${parser.name}: ${inputs}, ${accepted} accepted`)
    })
  }
})

describe('the fuzzer itself', () => {
  test('makes the same input from the same seed', () => {
    const seeds = [Buffer.from('abc'), Buffer.from('{"a":1}')]
    const inputs = Array.from({ length: 200 }, (_, seed) => mutate(seeds, new Draw(seed)).toString('hex'))
    const again = Array.from({ length: 200 }, (_, seed) => mutate(seeds, new Draw(seed)).toString('hex'))
    assert.deepEqual(again, inputs)
    assert.ok(new Set(inputs).size > 150)
  })

  test('finds a planted crash and a planted wrong answer', async () => {
    const seeds = [Buffer.from('length:0004')]
    const crash = (input: Buffer) => {
      if (input.length > 40) throw new TypeError('planted')
      return true
    }
    const wrong = (input: Buffer) => {
      assert.ok(!input.includes('\\'))
      return true
    }
    for (const parse of [crash, wrong]) {
      await assert.rejects(fuzz({ name: 'planted', seeds, parse }, { count: COUNT, seed: SEED }), FuzzFinding)
    }
  })
})
