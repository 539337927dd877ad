import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { Mask } from '../../../../src/service/secret-files/run/mask.ts'
import { makeSecretKey } from '../../../../src/service/secret-files/secret-key.ts'

function through(mask: Mask, pieces: readonly Uint8Array[]): string {
  return Buffer.concat([...pieces.map((piece) => mask.write(piece)), mask.end()]).toString()
}

function cut(bytes: Buffer, sizes: readonly number[]): Uint8Array[] {
  const pieces: Uint8Array[] = []
  let at = 0
  for (const size of sizes) {
    pieces.push(bytes.subarray(at, at + size))
    at += size
  }
  return [...pieces, bytes.subarray(at)]
}

describe('the output of a program', () => {
  const forms: Readonly<Record<string, (secret: string) => string>> = {
    'as it is': (secret) => secret,
    'in base64': (secret) => Buffer.from(secret).toString('base64'),
    'in base64url': (secret) => Buffer.from(secret).toString('base64url'),
    'in hexadecimal': (secret) => Buffer.from(secret).toString('hex'),
    'in a URL': (secret) => encodeURIComponent(secret),
    'in a form': (secret) => new URLSearchParams({ v: secret }).toString().slice(2),
    'in JSON': (secret) => JSON.stringify(secret).slice(1, -1),
  }
  for (const [name, form] of Object.entries(forms)) {
    test(`shows no secret ${name}, however it is cut`, () => {
      fc.assert(
        fc.property(
          fc.array(fc.integer({ min: 1, max: 40 }), { maxLength: 12 }),
          fc.constantFrom('safe', 'source'),
          (sizes, alphabet) => {
            const secret = makeSecretKey({ alphabet: alphabet as 'safe' })
            const text = Buffer.from(`before ${form(secret)} between ${form(secret)} after`)
            assert.equal(through(new Mask([secret]), cut(text, sizes)), 'before *** between *** after')
          },
        ),
        { numRuns: 60 },
      )
    })
  }

  test('shows no secret inside of a longer base64, such as basic authentication', () => {
    for (const user of ['a', 'ab', 'abc']) {
      const secret = makeSecretKey({ alphabet: 'source' })
      const text = Buffer.from(`${user}:${secret}:x`).toString('base64')
      const shown = through(new Mask([secret]), [Buffer.from(text)])
      assert.ok(shown.includes('***'))
      assert.ok(
        !Buffer.from(shown.replace(/^.*\*\*\*/, ''), 'base64')
          .toString()
          .includes(secret.slice(-8)),
      )
      assert.ok(shown.length < text.length - 70)
    }
  })

  test('is otherwise as it was, at once', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 30 }), { maxLength: 10 }), (pieces) => {
        const mask = new Mask(['\u0001'.repeat(40)])
        const out = Buffer.concat([...pieces.map((piece) => mask.write(piece)), mask.end()])
        assert.ok(out.equals(Buffer.concat(pieces)))
      }),
    )
    assert.equal(new Mask(['secret-value']).write(Buffer.from('a line\n')).toString(), 'a line\n')
  })

  test('masks the longer of two secrets whole, and no short word', () => {
    assert.equal(through(new Mask(['abcdefgh', 'abcdefghijkl']), [Buffer.from('abcdefghijkl')]), '***')
    assert.equal(through(new Mask(['true']), [Buffer.from('true')]), 'true')
  })
})
