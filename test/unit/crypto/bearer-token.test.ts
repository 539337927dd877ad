import assert from 'node:assert/strict'
import { hash as digest } from 'node:crypto'
import { test } from 'node:test'
import { crc32 } from 'node:zlib'
import {
  createClientSecret,
  createToken,
  drawId,
  matchesHash,
  readClientSecretId,
  readTokenId,
} from '../../../src/crypto/bearer-token.ts'

const SECRET = 'Z'.repeat(43)

/** As docs/spec/token.md has it: CRC-32 of what stands before, in eight digits. */
function withChecksum(body: string): string {
  return body + crc32(body).toString(16).padStart(8, '0')
}

test('a token is read by its shape and its checksum alone', () => {
  assert.equal(readTokenId(withChecksum(`coffre_abcdefghij_${SECRET}`)), 'abcdefghij')
  assert.equal(readTokenId(withChecksum(`coffre_0123456789_${'a1B'.repeat(14)}z`)), '0123456789')
  assert.equal(readClientSecretId(withChecksum(`coffre_cs_abcdefghij_${SECRET}`)), 'abcdefghij')
})

test('a token of another shape is none, whatever its checksum', () => {
  const bodies = [
    `Coffre_abcdefghij_${SECRET}`,
    `xcoffre_abcdefghij_${SECRET}`,
    `coffre-abcdefghij_${SECRET}`,
    `coffre_abcdefghi_${SECRET}`,
    `coffre_abcdefghijk_${SECRET}`,
    `coffre_ABCDEFGHIJ_${SECRET}`,
    `coffre_abcdefgh-j_${SECRET}`,
    `coffre_abcdefghij_${SECRET.slice(1)}`,
    `coffre_abcdefghij_${SECRET}Z`,
    `coffre_abcdefghij_${SECRET.slice(1)}-`,
    `coffre_abcdefghij_${SECRET.slice(1)}é`,
    `coffre_abcdefghij${SECRET}`,
  ]
  for (const body of bodies) {
    assert.equal(readTokenId(withChecksum(body)), undefined, body)
    const secret = body.replace('offre', 'offre_cs')
    assert.equal(readClientSecretId(withChecksum(secret)), undefined, secret)
  }
  const good = withChecksum(`coffre_abcdefghij_${SECRET}`)
  for (const text of [
    `${good}0`,
    `${good}\n`,
    `\n${good}`,
    good.slice(0, -8) + good.slice(-8).toUpperCase(),
  ]) {
    assert.equal(readTokenId(text), undefined, text)
  }
  assert.equal(readTokenId(`${good.slice(0, -8)}00000000`), undefined)
})

test('what is made is read, with a checksum of eight digits also where it begins with zeros', () => {
  let short = 0
  for (let round = 0; round < 300; round += 1) {
    const { id, token, hash } = createToken()
    const text = token.reveal()
    assert.equal(text, withChecksum(text.slice(0, -8)))
    assert.equal(readTokenId(text), id)
    assert.equal(hash, digest('sha256', text, 'hex'))
    const { secret } = createClientSecret(id)
    assert.equal(readClientSecretId(secret.reveal()), id)
    if (text.at(-8) === '0') short += 1
  }
  assert.ok(short > 0)
})

test('an id has ten of 32 letters, each as likely as any other', () => {
  const counts = new Map<string, number>()
  for (let round = 0; round < 4_000; round += 1) {
    const id = drawId()
    assert.match(id, /^[a-km-np-z2-9]{10}$/)
    for (const letter of id) counts.set(letter, (counts.get(letter) ?? 0) + 1)
  }
  assert.equal(counts.size, 32)
  // 1,250 are expected of each; the standard deviation is 35.
  for (const [letter, count] of counts) assert.ok(Math.abs(count - 1_250) < 350, `${letter}: ${count}`)
})

test('a secret is drawn of 62 letters without favour', () => {
  const counts = new Map<string, number>()
  for (let round = 0; round < 2_000; round += 1) {
    for (const letter of createToken().token.reveal().slice(18, 61)) {
      counts.set(letter, (counts.get(letter) ?? 0) + 1)
    }
  }
  assert.equal(counts.size, 62)
  // 1,387 are expected of each, with a deviation of 37; a remainder would give the first eight a quarter more: 1,680.
  for (const [letter, count] of counts) assert.ok(Math.abs(count - 1_387) < 220, `${letter}: ${count}`)
})

test('a text matches its own hash and no other', () => {
  const { token, hash } = createToken()
  const text = token.reveal()
  assert.equal(matchesHash(text, hash), true)
  for (const other of ['', 'zz', hash.slice(2), `${hash}00`, digest('sha256', 'x', 'hex')]) {
    assert.equal(matchesHash(text, other), false, other)
  }
  assert.equal(matchesHash(`${text} `, hash), false)
})
