import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { describe, test } from 'node:test'
import {
  createClientSecret,
  createToken,
  matchesHash,
  readClientSecretId,
  readTokenId,
} from '../../src/crypto/bearer-token.ts'

describe('a bearer token', () => {
  const { id, token, hash } = createToken()
  const text = token.reveal()

  test('has the shape of docs/spec/token.md', () => {
    assert.match(text, /^coffre_[a-km-np-z2-9]{10}_[0-9A-Za-z]{43}[0-9a-f]{8}$/)
    assert.equal(readTokenId(text), id)
    assert.equal(hash, createHash('sha256').update(text).digest('hex'))
    assert.ok(matchesHash(text, hash))
  })

  test('with any character changed is none, before any look-up', () => {
    for (let index = 0; index < text.length; index += 1) {
      const other = text[index] === '2' ? '3' : '2'
      const changed = `${text.slice(0, index)}${other}${text.slice(index + 1)}`
      assert.equal(readTokenId(changed), undefined, `character ${index}`)
    }
  })

  test('of another length, case or surrounding is none', () => {
    const others = [
      text.slice(1),
      text.slice(0, -1),
      `${text}0`,
      ` ${text}`,
      `${text}\n`,
      text.toUpperCase(),
      '',
    ]
    for (const other of [...others, 'x'.repeat(1_000_000)]) assert.equal(readTokenId(other), undefined)
  })

  test('does not match the hash of another, or what is no hash', () => {
    assert.equal(matchesHash(createToken().token.reveal(), hash), false)
    for (const other of ['', 'zz', hash.slice(2), `${hash}00`]) assert.equal(matchesHash(text, other), false)
  })

  test('is another each time, with every letter of its alphabet', () => {
    const texts = Array.from({ length: 500 }, () => createToken().token.reveal())
    assert.equal(new Set(texts).size, 500)
    const ids = new Set(texts.flatMap((each) => each.slice(7, 17).split('')))
    const secrets = new Set(texts.flatMap((each) => each.slice(18, 61).split('')))
    assert.deepEqual([ids.size, secrets.size], [32, 62])
  })
})

describe('a client secret', () => {
  const { secret, hash } = createClientSecret('k3v9xw2mqa')
  const text = secret.reveal()

  test('has the shape of docs/spec/token.md, and is no token', () => {
    assert.match(text, /^coffre_cs_k3v9xw2mqa_[0-9A-Za-z]{43}[0-9a-f]{8}$/)
    assert.equal(readClientSecretId(text), 'k3v9xw2mqa')
    assert.equal(hash, createHash('sha256').update(text).digest('hex'))
    assert.equal(readTokenId(text), undefined)
    assert.equal(readClientSecretId(createToken().token.reveal()), undefined)
  })

  test('with any character changed is none, before any look-up', () => {
    for (let index = 0; index < text.length; index += 1) {
      const other = text[index] === '2' ? '3' : '2'
      const changed = `${text.slice(0, index)}${other}${text.slice(index + 1)}`
      assert.equal(readClientSecretId(changed), undefined, `character ${index}`)
    }
  })
})
