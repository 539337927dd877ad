import assert from 'node:assert/strict'
import { test } from 'node:test'
import { hmacMac } from '../../src/crypto/mac.ts'
import { KeyMaterial } from '../../src/crypto/key-material.ts'
import type { SessionKeys } from '../../src/service/sessions/session-keys.ts'
import { openSigned, readToken } from '../../src/service/sessions/session-token.ts'
import {
  readGroups,
  SKIP_WITHOUT_VECTORS,
  testWycheproof,
  type WycheproofCase,
  type WycheproofGroup,
} from './wycheproof.ts'

interface Jwk {
  readonly kty?: string
  readonly kid?: string
  readonly k?: string
  readonly alg?: string
}

const MIN_KEY_BYTES = 32 // of every key that is derived from a secret
const hs256 = hmacMac('sha256')

function secretKeysOf({ fields }: WycheproofGroup): readonly Jwk[] {
  const given = fields['private'] as (Jwk & { keys?: readonly Jwk[] }) | undefined
  return (given?.keys ?? [given ?? {}]).filter(
    ({ kty, kid, k }) => kty === 'oct' && kid !== undefined && k !== undefined,
  )
}

/** HS256 keys as an application would hold them: each with its id, and for nothing else. */
function keysOf(group: WycheproofGroup): SessionKeys {
  const held = secretKeysOf(group).filter(
    ({ alg, k }) =>
      (alg === undefined || alg === 'HS256') && Buffer.from(k ?? '', 'base64url').length >= MIN_KEY_BYTES,
  )
  const find = (kid: string) => held.find((key) => key.kid === kid)
  const hs = { algorithm: 'HS256' } as const
  return {
    current: () => Promise.resolve({ kid: held[0]?.kid ?? '', ...hs }),
    find: (kid) => Promise.resolve(find(kid) === undefined ? undefined : { kid, ...hs }),
    sign: () => Promise.resolve(undefined),
    verify: (kid, _purpose, message, signature) => {
      const material = new KeyMaterial(Buffer.from(find(kid)?.k ?? '', 'base64url'))
      return Promise.resolve(hs256.verify(material, message, signature))
    },
  }
}

function tokenOf({ fields }: WycheproofCase): string {
  const texts = [fields['jws'], fields['jwe']].filter((each) => typeof each === 'string')
  return texts[0] ?? ''
}

/** Cases whose token is, in this version of the vectors, not what their comment says. */
const LOST_IN_THE_FILE = new Set(['invalidBase64Padding', 'invalidBase64PaddingInPayload'])
const LENIENT = new Set(['InvalidCharacterInsertedInHeader', 'InvalidCharacterInsertedInPayload'])

function notExpressible(group: WycheproofGroup, vector: WycheproofCase): string | undefined {
  const comment = String(vector.fields['comment'])
  if (LOST_IN_THE_FILE.has(comment) && !tokenOf(vector).includes('='))
    return 'the padding is not in the token'
  if (LENIENT.has(comment)) return 'valid to a lenient reader of base64'
  const { keys } = (group.fields['private'] ?? {}) as { readonly keys?: readonly Jwk[] }
  if (keys !== undefined && keys.length > 1) return 'a set of JWKs: ours are derived from one secret each'
  // Refused whatever is asked, so only the valid ones ask something that we cannot answer.
  if (vector.result !== 'valid') return undefined
  if (vector.fields['jws'] === undefined) return 'JWE: only dir with A256GCM'
  const isHs256 = secretKeysOf(group).some(({ alg }) => alg === 'HS256')
  return isHs256 ? undefined : 'another algorithm than HS256'
}

for (const file of ['json_web_signature_test.json', 'json_web_crypto_test.json', 'json_web_key_test.json']) {
  testWycheproof({
    file,
    notExpressible,
    check: async (group, vector) => {
      const kind = { purpose: 'session', fixed: {} } as const
      return typeof (await openSigned(keysOf(group), kind, tokenOf(vector))) !== 'string'
    },
  })
}

test('no token of the vectors, valid or not, is a session', {
  skip: SKIP_WITHOUT_VECTORS,
}, async (context) => {
  let count = 0
  const files = ['signature', 'crypto', 'key', 'encryption']
  for (const file of files) {
    for (const group of readGroups(`json_web_${file}_test.json`)) {
      for (const vector of group.vectors) {
        count += 1
        const read = await readToken(keysOf(group), 'session', tokenOf(vector))
        assert.equal(typeof read, 'string', `${file} ${vector.id}`)
      }
    }
  }
  assert.ok(count > 400)
  context.diagnostic(`vectors: json_web_* ${count} refused as sessions`)
})
