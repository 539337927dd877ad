import { LOGIN_ALGORITHMS } from '../../src/model/login-role.ts'
import { readJwtHead, verifyJwt } from '../../src/service/login/judge-jwt.ts'
import { KeySet } from '../../src/service/login/key-set.ts'
import { testWycheproof, type WycheproofCase, type WycheproofGroup } from './wycheproof.ts'

const PRIVATE_MEMBERS = new Set(['d', 'p', 'q', 'dp', 'dq', 'qi'])

/** Their sets hold private and secret keys; an issuer publishes the public part of the public-key ones. */
function publicKeysOf({ fields }: WycheproofGroup): readonly object[] {
  const given = fields['private'] as { keys?: readonly object[] } | undefined
  return (given?.keys ?? [given ?? {}]).map((key) => {
    const members = Object.entries(key).filter(([name]) => !PRIVATE_MEMBERS.has(name))
    return Object.fromEntries(members)
  })
}

function jwsOf({ fields }: WycheproofCase): string {
  return typeof fields['jws'] === 'string' ? fields['jws'] : ''
}

async function accepts(group: WycheproofGroup, vector: WycheproofCase): Promise<boolean> {
  const head = readJwtHead(jwsOf(vector), { algorithms: LOGIN_ALGORITHMS })
  const keys = KeySet.parse(JSON.stringify({ keys: publicKeysOf(group) }))
  if (head === undefined || keys === undefined) return false
  return (await verifyJwt(jwsOf(vector), head, keys)) !== undefined
}

function notExpressible(group: WycheproofGroup, vector: WycheproofCase): string | undefined {
  if (vector.fields['jws'] === undefined) return 'JWE: a login takes signed tokens only'
  const [key] = publicKeysOf(group) as readonly Jwk[]
  // Refused whatever the signature is, so only the valid ones ask something that we cannot answer.
  if (vector.result === 'valid' && key?.kty === 'oct') return 'HMAC: a login takes public-key signatures only'
  if (vector.result === 'valid' && /\.\./.test(jwsOf(vector))) return 'an empty payload holds no claims'
  const quirk =
    vector.result === 'valid' && key !== undefined ? QUIRKS.find(({ has }) => has(key)) : undefined
  return quirk?.why
}

interface Jwk {
  readonly kty?: string
  readonly alg?: string
  readonly kid?: string
  readonly key_ops?: readonly string[]
}

/** Keys of RFC 7520 as these files spell them: what they say of themselves is not what they are used for. */
const QUIRKS: readonly { readonly has: (key: Jwk) => boolean; readonly why: string }[] = [
  { has: ({ alg }) => alg === 'ES521', why: 'the key names the algorithm ES521, which does not exist' },
  { has: ({ key_ops: operations }) => operations?.[0] === 'sign, verify', why: 'key_ops is one text' },
  {
    has: ({ alg, kid }) => alg === 'PS256' && kid?.includes('@') === true,
    why: 'the key names PS256, the token PS384',
  },
]

for (const file of ['json_web_signature_test.json', 'json_web_crypto_test.json', 'json_web_key_test.json']) {
  testWycheproof({ file, notExpressible, check: accepts })
}
