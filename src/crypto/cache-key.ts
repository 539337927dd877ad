import { hasCode } from '../model/errors.ts'
import { DEFAULT_TENANT, type KeyId, parseKeyId, parseVersionNumber, type TenantId } from '../model/ids.ts'
import type { VersionKey } from './algorithm.ts'
import { concat, lengthPrefixed, parseBase64url, utf8 } from './bytes.ts'
import { openChunked, sealChunked } from './chunked.ts'
import { DEFAULT_ARGON2ID, deriveArgon2id } from './derive.ts'
import { sha256 } from './digest.ts'
import { hkdfExpand } from './hkdf-expand.ts'
import { KeyMaterial, rawBytes } from './key-material.ts'
import { randomBytes, randomKeyMaterial, randomUuid } from './random.ts'

// docs/spec/cache.md: the keys behind the entries of a cache.

const FORMAT = 1
const KEY_ID_BYTES = 16
const DATA_KEY_BYTES = 32
const BLOB_BYTES = 1 + KEY_ID_BYTES + DATA_KEY_BYTES
const SALT_BYTES = 16
/** Salt, memory, passes and parallelism. */
const PARAMETER_BYTES = SALT_BYTES + 6
const TAG_BYTES = 16
const INDEX_LABEL = concat(utf8('coffre cache index v1'), new Uint8Array(1))
const NAME_LABEL = concat(utf8('coffre cache name v1'), new Uint8Array(1))
const SECRET_LABEL = concat(utf8('coffre cache secret v1'), Uint8Array.of(0, FORMAT))

/** What a user's entries of format 2 are encrypted under. */
export interface CacheKey extends VersionKey {
  readonly purpose: 'encrypt'
}

/** The key of format 1: SHA-256 of the secret. Only as strong as the secret is. */
export function deriveSourceKey(secret: string): KeyMaterial {
  const bytes = sha256(utf8(secret))
  const material = new KeyMaterial(bytes)
  bytes.fill(0)
  return material
}

/** Names the set of what was written under a key of format 1. */
export function sourceIndexId(key: KeyMaterial): string {
  return tagOf(key, INDEX_LABEL)
}

export function makeCacheKey(tenant: TenantId = DEFAULT_TENANT): CacheKey {
  return toCacheKey(parseKeyId(randomUuid()), randomKeyMaterial(DATA_KEY_BYTES), tenant)
}

function toCacheKey(keyId: KeyId, material: KeyMaterial, tenant: TenantId): CacheKey {
  return { tenant, keyId, version: parseVersionNumber(1), purpose: 'encrypt', material }
}

/** The hash of a name; without the data key nobody finds the name to it. */
export function hashCacheName(key: CacheKey, user: string, name: string): string {
  return tagOf(key.material, concat(NAME_LABEL, lengthPrefixed(utf8(user)), lengthPrefixed(utf8(name))))
}

function tagOf(key: KeyMaterial, info: Uint8Array): string {
  return Buffer.from(hkdfExpand(key, info, TAG_BYTES, 'sha512')).toString('base64url')
}

/** The data key as bytes, to be encrypted at once. The caller wipes them. */
export function encodeCacheKey(key: CacheKey): Uint8Array {
  const id = Buffer.from(key.keyId.replaceAll('-', ''), 'hex')
  return concat(Uint8Array.of(FORMAT), id, rawBytes(key.material))
}

/** `undefined` for bytes that are no data key. */
export function decodeCacheKey(bytes: Uint8Array, tenant: TenantId = DEFAULT_TENANT): CacheKey | undefined {
  if (bytes.length !== BLOB_BYTES || bytes[0] !== FORMAT) return undefined
  const hex = Buffer.from(bytes.subarray(1, 1 + KEY_ID_BYTES)).toString('hex')
  const id = [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)]
  return toCacheKey(parseKeyId(id.join('-')), new KeyMaterial(bytes.subarray(1 + KEY_ID_BYTES)), tenant)
}

/** The data key under the user's own secret, as text. Every secret is stretched: a person may have chosen it. */
export async function wrapUnderSecret(key: CacheKey, user: string, secret: string): Promise<string> {
  const parameters = Buffer.alloc(PARAMETER_BYTES)
  parameters.set(randomBytes(SALT_BYTES), 0)
  parameters.writeUInt32BE(DEFAULT_ARGON2ID.memoryKib, SALT_BYTES)
  parameters[SALT_BYTES + 4] = DEFAULT_ARGON2ID.passes
  parameters[SALT_BYTES + 5] = DEFAULT_ARGON2ID.parallelism
  const wrapping = await stretch(secret, parameters)
  const blob = encodeCacheKey(key)
  const sealed = sealChunked(wrapping, blob, secretContext(parameters, user))
  blob.fill(0)
  wrapping.wipe()
  return Buffer.concat([Uint8Array.of(FORMAT), parameters, sealed]).toString('base64url')
}

/** Throws DECRYPTION_FAILED for another secret, another user and damage. */
export async function unwrapWithSecret(wrapped: string, user: string, secret: string): Promise<CacheKey> {
  const bytes = parseBase64url(wrapped) ?? Buffer.alloc(0)
  const parameters = bytes.subarray(1, 1 + PARAMETER_BYTES)
  const isReadable = bytes[0] === FORMAT && parameters.length === PARAMETER_BYTES
  const wrapping = isReadable ? await stretchAsStored(secret, parameters) : undefined
  // A key of no bytes opens nothing, so that text of no format fails as every other does.
  const opening = wrapping ?? new KeyMaterial(new Uint8Array(0))
  const blob = openChunked(opening, bytes.subarray(1 + PARAMETER_BYTES), secretContext(parameters, user))
  opening.wipe()
  const key = decodeCacheKey(blob)
  blob.fill(0)
  if (key === undefined) throw new Error('unreachable: only wrapUnderSecret writes such a blob')
  return key
}

/** `undefined` for a cost that we never write, which is refused before any work: the text was changed. */
async function stretchAsStored(secret: string, parameters: Buffer): Promise<KeyMaterial | undefined> {
  try {
    return await stretch(secret, parameters)
  } catch (error) {
    if (hasCode(error, 'PARAMETERS_REFUSED')) return undefined
    throw error
  }
}

async function stretch(secret: string, parameters: Buffer): Promise<KeyMaterial> {
  return deriveArgon2id(utf8(secret), {
    salt: parameters.subarray(0, SALT_BYTES),
    memoryKib: parameters.readUInt32BE(SALT_BYTES),
    passes: parameters.readUInt8(SALT_BYTES + 4),
    parallelism: parameters.readUInt8(SALT_BYTES + 5),
    length: DATA_KEY_BYTES,
  })
}

function secretContext(parameters: Uint8Array, user: string): Uint8Array {
  return concat(SECRET_LABEL, parameters, lengthPrefixed(utf8(user)))
}
