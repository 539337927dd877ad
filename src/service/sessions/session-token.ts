import { utf8 } from '../../crypto/bytes.ts'
import { CoffreError } from '../../model/errors.ts'
import type { SessionFault } from '../../model/session.ts'
import { type Claims, decodeObject, splitCompact } from '../jwt/compact.ts'
import type { CipherPurpose, SessionKey, SessionKeys } from './session-keys.ts'

/** Between `current` and `sign` a key can be rotated away; twice in a row means that something else is wrong. */
const ATTEMPTS = 3
/** docs/spec/session.md. */
const KID = /^[A-Za-z0-9_.-]{1,64}$/
const GCM_TAG_BYTES = 16

export type TokenForm = 'signed' | 'encrypted'

type FixedMembers = Readonly<Record<string, string>>

interface TokenHead {
  readonly kid: string
  readonly header: Claims
}

/** Throws CONFIG_REFUSED where `form` asks for what the keys cannot do. */
export function requireForm(keys: SessionKeys, form: TokenForm): void {
  if (form === 'encrypted' && keys.cipher === undefined) {
    throw new CoffreError('CONFIG_REFUSED', {
      facts: { at: 'form', expected: 'signed: of these keys none encrypts' },
    })
  }
}

/** A token under the current key. */
export async function writeToken(
  keys: SessionKeys,
  { purpose, form }: { readonly purpose: CipherPurpose; readonly form: TokenForm },
  claims: Claims,
): Promise<string> {
  const payload = utf8(JSON.stringify(claims))
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    const key = await keys.current()
    const text =
      form === 'signed' ? await sign(keys, key, purpose, payload) : encrypt(keys, key, purpose, payload)
    if (text !== undefined) return text
  }
  throw new CoffreError('CONFLICT')
}

/** The claims of a token that one of `keys` made for `purpose`, in either form. Its time is not judged. */
export function readToken(
  keys: SessionKeys,
  purpose: CipherPurpose,
  text: string,
): Promise<Claims | SessionFault> {
  if (typeof text !== 'string') return Promise.resolve('malformed')
  return text.split('.', 6).length === 5
    ? readEncrypted(keys, purpose, text)
    : readSigned(keys, purpose, text)
}

async function sign(
  keys: SessionKeys,
  { kid, algorithm }: SessionKey,
  purpose: CipherPurpose,
  payload: Uint8Array,
): Promise<string | undefined> {
  const head = { alg: algorithm, kid, typ: `coffre-${purpose}+jwt` }
  const input = `${encode(utf8(JSON.stringify(head)))}.${encode(payload)}`
  const signature = await keys.sign(kid, purpose, utf8(input))
  return signature === undefined ? undefined : `${input}.${encode(signature)}`
}

function encrypt(
  keys: SessionKeys,
  { kid }: SessionKey,
  purpose: CipherPurpose,
  payload: Uint8Array,
): string | undefined {
  const head = encode(utf8(JSON.stringify({ alg: 'dir', enc: 'A256GCM', kid, typ: `coffre-${purpose}+jwe` })))
  const sealed = keys.cipher?.seal(kid, purpose, utf8(head), payload)
  if (sealed === undefined) return undefined
  const { nonce, ciphertext } = sealed
  const parts = [nonce, ciphertext.subarray(0, -GCM_TAG_BYTES), ciphertext.subarray(-GCM_TAG_BYTES)]
  return [head, '', ...parts.map(encode)].join('.')
}

async function readSigned(
  keys: SessionKeys,
  purpose: CipherPurpose,
  text: string,
): Promise<Claims | SessionFault> {
  const payload = await openSigned(keys, { purpose, fixed: { typ: `coffre-${purpose}+jwt` } }, text)
  return typeof payload === 'string' ? payload : (decodeObject(payload) ?? 'malformed')
}

/** The payload of a JWS whose header has `alg`, `kid`, the members of `fixed` and no others. */
export async function openSigned(
  keys: SessionKeys,
  { purpose, fixed }: { readonly purpose: CipherPurpose; readonly fixed: FixedMembers },
  text: string,
): Promise<Uint8Array | SessionFault> {
  const [head, payload, signature] = splitCompact(text, 3) ?? []
  if (head === undefined || payload === undefined || signature === undefined) return 'malformed'
  const named = readHead(head, fixed)
  if (typeof named === 'string') return named
  const key = await keys.find(named.kid)
  if (key === undefined) return 'key'
  if (named.header['alg'] !== key.algorithm) return 'algorithm'
  const input = utf8(text.slice(0, text.lastIndexOf('.')))
  return (await keys.verify(named.kid, purpose, input, signature)) ? payload : 'signature'
}

async function readEncrypted(
  keys: SessionKeys,
  purpose: CipherPurpose,
  text: string,
): Promise<Claims | SessionFault> {
  const [head, wrapped, nonce, ciphertext, tag] = splitCompact(text, 5) ?? []
  if (!head || !wrapped || !nonce || !ciphertext || tag?.length !== GCM_TAG_BYTES) return 'malformed'
  const named = readHead(head, { alg: 'dir', enc: 'A256GCM', typ: `coffre-${purpose}+jwe` })
  if (typeof named === 'string') return named
  if (wrapped.length > 0) return 'algorithm'
  if ((await keys.find(named.kid)) === undefined) return 'key'
  const sealed = { nonce, ciphertext: Buffer.concat([ciphertext, tag]) }
  const aad = utf8(text.slice(0, text.indexOf('.')))
  const payload = keys.cipher?.open(named.kid, purpose, aad, sealed)
  return payload === undefined ? 'signature' : (decodeObject(payload) ?? 'malformed')
}

/** A header has the members of `fixed`, `kid` and `alg`, and no others. */
function readHead(bytes: Uint8Array, fixed: FixedMembers): TokenHead | SessionFault {
  const header = decodeObject(bytes)
  if (header === undefined) return 'malformed'
  const { kid } = header
  const names = new Set([...Object.keys(fixed), 'alg', 'kid'])
  const isOurs = Object.entries(fixed).every(([name, value]) => header[name] === value)
  if (!isOurs || Object.keys(header).length !== names.size || !('alg' in header)) return 'algorithm'
  return typeof kid === 'string' && KID.test(kid) ? { kid, header } : 'key'
}

function encode(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('base64url')
}
