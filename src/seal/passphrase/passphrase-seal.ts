import { DEFAULT_ARGON2ID, deriveArgon2id } from '../../crypto/derive.ts'
import type { KeyMaterial } from '../../crypto/key-material.ts'
import { randomBytes } from '../../crypto/random.ts'
import { CoffreError, hasCode } from '../../model/errors.ts'
import type { Secret } from '../../model/secret.ts'
import { SEAL_KEY_BYTES, type SealProvider } from '../seal-provider.ts'

const SALT_BYTES = 16
/** memory, passes, lanes (4 bytes each, big-endian), salt. */
const PARAMETER_BYTES = 12 + SALT_BYTES
const MIN_PASSPHRASE_CHARACTERS = 12

interface Cost {
  readonly memoryKib: number
  readonly passes: number
  readonly parallelism: number
}

/** Argon2id (RFC 9106) of a passphrase. The parameters are stored with the slot and checked before any work. */
export function passphraseSeal(passphrase: Secret): SealProvider {
  return {
    name: 'passphrase',
    create: async () => {
      if (passphrase.reveal().length < MIN_PASSPHRASE_CHARACTERS) {
        const facts = { setting: 'passphrase', expected: `at least ${MIN_PASSPHRASE_CHARACTERS} characters` }
        throw new CoffreError('CONFIG_REFUSED', { facts })
      }
      const salt = randomBytes(SALT_BYTES)
      const parameters = encodeParameters(DEFAULT_ARGON2ID, salt)
      return { sealKey: await stretch(passphrase, DEFAULT_ARGON2ID, salt), parameters }
    },
    recover: async (parameters) => {
      if (parameters.length !== PARAMETER_BYTES) {
        throw new CoffreError('SEAL_DAMAGED', { facts: { part: 'parameters' } })
      }
      const { cost, salt } = readParameters(parameters)
      try {
        return await stretch(passphrase, cost, salt)
      } catch (cause) {
        // We never write such a cost, and it was refused before any work.
        if (!hasCode(cause, 'PARAMETERS_REFUSED')) throw cause
        throw new CoffreError('SEAL_DAMAGED', { facts: { part: 'parameters' }, cause })
      }
    },
  }
}

function stretch(passphrase: Secret, cost: Cost, salt: Uint8Array): Promise<KeyMaterial> {
  return deriveArgon2id(passphrase, { ...cost, salt, length: SEAL_KEY_BYTES })
}

function encodeParameters(cost: Cost, salt: Uint8Array): Uint8Array {
  const bytes = Buffer.alloc(PARAMETER_BYTES)
  bytes.writeUInt32BE(cost.memoryKib, 0)
  bytes.writeUInt32BE(cost.passes, 4)
  bytes.writeUInt32BE(cost.parallelism, 8)
  bytes.set(salt, 12)
  return bytes
}

function readParameters(parameters: Uint8Array): { readonly cost: Cost; readonly salt: Uint8Array } {
  const bytes = Buffer.from(parameters)
  const cost = {
    memoryKib: bytes.readUInt32BE(0),
    passes: bytes.readUInt32BE(4),
    parallelism: bytes.readUInt32BE(8),
  }
  return { cost, salt: bytes.subarray(12) }
}
