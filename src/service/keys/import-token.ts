import { exportPublicKey } from '../../crypto/key-object.ts'
import type { KeyMaterial } from '../../crypto/key-material.ts'
import { generateRsa } from '../../crypto/key-pair.ts'
import { unwrapAsRecipient } from '../../crypto/key-transport.ts'
import { spkiPem } from '../../crypto/pem.ts'
import { randomUuid } from '../../crypto/random.ts'
import { addMilliseconds, DAY, formatInstant, type Instant } from '../../model/clock.ts'
import type { ImportParams, TransportedKeyInput } from '../../model/coffre-transfer.ts'
import { CoffreError } from '../../model/errors.ts'
import { type KeyId, parseKeyId, parseVersionNumber, type TenantId } from '../../model/ids.ts'
import { toWrapped, type WrapBinding } from '../../model/wrapped.ts'
import type { UnsealedVault } from '../../seal/vault.ts'

// docs/spec/key-transport.md, "Import token". The token is the private key under the root key, so every process of
// this Coffre can use it and none has to store it.

const TOKEN = /^cfi1\.([0-9a-f-]{36})\.([0-9]{1,10})\.([A-Za-z0-9_-]{1,8192})$/
const LIFE_MS = DAY
const MINUTE_MS = 60_000
const RSA_BITS = 4096

export async function makeImportToken(
  vault: UnsealedVault,
  tenant: TenantId,
  now: Instant,
): Promise<ImportParams> {
  const pair = await generateRsa(RSA_BITS)
  const keyId = parseKeyId(randomUuid())
  const minute = Math.floor((now + LIFE_MS) / MINUTE_MS)
  try {
    const wrapped = vault.wrap(pair, bindingOf({ tenant, keyId, minute }))
    return {
      publicKey: spkiPem(exportPublicKey(pair)),
      importToken: `cfi1.${keyId}.${minute}.${Buffer.from(wrapped).toString('base64url')}`,
      expiresAt: formatInstant(addMilliseconds(now, LIFE_MS)),
    }
  } finally {
    pair.wipe()
  }
}

export interface TokenUse extends TransportedKeyInput {
  readonly tenant: TenantId
  readonly now: Instant
}

/** What was wrapped for the token, and the id of the key that it is for. Throws IMPORT_TOKEN_INVALID. */
export function openImportToken(
  vault: UnsealedVault,
  use: TokenUse,
): { readonly material: KeyMaterial; readonly keyId: KeyId } {
  const [, id = '', minutes = '0', blob = ''] = TOKEN.exec(use.importToken) ?? []
  const minute = Number(minutes)
  if (id === '' || use.now >= minute * MINUTE_MS) throw new CoffreError('IMPORT_TOKEN_INVALID')
  const keyId = parseKeyId(id)
  const pair = unwrapPair(vault, Buffer.from(blob, 'base64url'), { tenant: use.tenant, keyId, minute })
  try {
    const material = unwrapAsRecipient(pair, use.bytes, use.transport)
    if (material === undefined) throw new CoffreError('DECRYPTION_FAILED')
    return { material, keyId }
  } finally {
    pair.wipe()
  }
}

interface TokenBinding {
  readonly tenant: TenantId
  readonly keyId: KeyId
  readonly minute: number
}

function unwrapPair(vault: UnsealedVault, blob: Uint8Array, token: TokenBinding): KeyMaterial {
  try {
    return vault.unwrap(toWrapped(blob), bindingOf(token))
  } catch (cause) {
    if (cause instanceof CoffreError && cause.code === 'SEALED') throw cause
    throw new CoffreError('IMPORT_TOKEN_INVALID', { cause })
  }
}

/** No key of the store has this algorithm with this purpose, so no blob of the one opens as the other. */
function bindingOf({ tenant, keyId, minute }: TokenBinding): WrapBinding {
  return { tenant, keyId, version: parseVersionNumber(minute), algorithm: 'rsa-4096', purpose: 'wrap' }
}
