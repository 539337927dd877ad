import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { EXIT_CODES, exitCodeOf } from '../../../src/cli/exit-code.ts'
import { UsageError } from '../../../src/cli/usage-error.ts'
import { CoffreError, ERROR_CODES } from '../../../src/model/errors.ts'

describe('the exit code', () => {
  test('of every error is one of the documented seven, and never success', () => {
    assert.ok(ERROR_CODES.length > 30)
    assert.deepEqual(new Set(Object.keys(EXIT_CODES)), new Set(ERROR_CODES))
    for (const code of ERROR_CODES) {
      // What a cache does not hold is an answer to whoever asked.
      const expected = code === 'CACHE_MISS' ? [1] : [2, 3, 4, 5, 78]
      assert.ok(expected.includes(EXIT_CODES[code]), code)
    }
  })

  const known: [unknown, number][] = [
    [new CoffreError('DECRYPTION_FAILED'), 3],
    [new CoffreError('UNAUTHENTICATED'), 4],
    [new CoffreError('SEALED'), 5],
    [new CoffreError('CONFIG_REFUSED'), 78],
    [UsageError.of('usage.other'), 2],
    [UsageError.of('error.interrupted'), 130],
    [UsageError.of('error.stopped'), 130],
    [new TypeError('a bug'), 5],
  ]
  for (const [error, code] of known) {
    test(`of ${error instanceof CoffreError ? error.code : String(error)} is ${code}`, () => {
      assert.equal(exitCodeOf(error), code)
    })
  }
})
