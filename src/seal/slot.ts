import { concat, lengthPrefixed, utf8 } from '../crypto/bytes.ts'
import { openChunked, sealChunked } from '../crypto/chunked.ts'
import { sha256 } from '../crypto/digest.ts'
import { KeyMaterial, rawBytes } from '../crypto/key-material.ts'
import { CoffreError } from '../model/errors.ts'
import { toWrapped, type Wrapped } from '../model/wrapped.ts'
import { SEAL_PROVIDER_CODES, type SealProvider, type SealProviderName } from './seal-provider.ts'

const MAGIC = utf8('CFRS')
const FORMAT = 1
const PARAMETERS_OFFSET = 6
const DIGEST_BYTES = 32
/** salt, commitment, root key, tag. */
const BODY_BYTES = 24 + 32 + 32 + 16
const MAX_PARAMETER_BYTES = 1_024

/** Protects the root key under a new seal key of `provider` (docs/spec/seal.md). */
export async function sealRootKey(provider: SealProvider, root: KeyMaterial): Promise<Wrapped> {
  const { sealKey, parameters } = await provider.create()
  const header = concat(
    MAGIC,
    Uint8Array.of(FORMAT, SEAL_PROVIDER_CODES[provider.name]),
    lengthPrefixed(parameters),
  )
  const body = sealChunked(sealKey, rawBytes(root), header)
  sealKey.wipe()
  return toWrapped(concat(header, body, sha256(concat(header, body))))
}

/** Throws SEAL_DAMAGED, SEAL_KEY_MISSING or PASSPHRASE_WRONG, in that order of knowledge. */
export async function unsealRootKey(provider: SealProvider, slot: Wrapped): Promise<KeyMaterial> {
  const { header, parameters, body } = readSlot(provider.name, slot)
  const sealKey = await provider.recover(parameters)
  try {
    const bytes = openChunked(sealKey, body, header)
    const root = new KeyMaterial(bytes)
    bytes.fill(0)
    return root
  } catch (cause) {
    throw new CoffreError('PASSPHRASE_WRONG', { cause })
  } finally {
    sealKey.wipe()
  }
}

/** The parameters of a slot, which are no secret. Throws SEAL_DAMAGED. */
export function slotParameters(provider: SealProviderName, slot: Wrapped): Uint8Array {
  return readSlot(provider, slot).parameters
}

interface SlotParts {
  readonly header: Uint8Array
  readonly parameters: Uint8Array
  readonly body: Uint8Array
}

function readSlot(provider: SealProviderName, slot: Wrapped): SlotParts {
  const bytes = Buffer.from(slot)
  const end = bytes.length - DIGEST_BYTES
  const bodyOffset = end - BODY_BYTES
  if (bodyOffset < PARAMETERS_OFFSET + 4) throw damaged('length')
  if (!bytes.subarray(end).equals(sha256(bytes.subarray(0, end)))) throw damaged('digest')
  const known = bytes.subarray(0, 4).equals(MAGIC) && bytes[4] === FORMAT
  if (!known || bytes[5] !== SEAL_PROVIDER_CODES[provider]) throw damaged('header')
  const length = bytes.readUInt32BE(PARAMETERS_OFFSET)
  const parameters = bytes.subarray(PARAMETERS_OFFSET + 4, bodyOffset)
  if (length > MAX_PARAMETER_BYTES || length !== parameters.length) throw damaged('parameters')
  return { header: bytes.subarray(0, bodyOffset), parameters, body: bytes.subarray(bodyOffset, end) }
}

function damaged(part: string): CoffreError {
  return new CoffreError('SEAL_DAMAGED', { facts: { part } })
}
