import { parseBase64url } from '../../../crypto/bytes.ts'
import {
  FILE_KEY_BYTES,
  SALT_BYTES,
  unwrapByPassphrase,
  wrapByPassphrase,
} from '../../../crypto/value-seal.ts'
import type { Coffre } from '../../../model/coffre.ts'
import { CoffreError } from '../../../model/errors.ts'
import type { Secret } from '../../../model/secret.ts'

/** Who keeps the key of an encrypted file: a passphrase, or a key of a Coffre. */
export interface FileKeyHolder {
  /** The words of the slot, for the head of the file. */
  wrap(fileKey: Uint8Array): Promise<string>
  /** `undefined` for a slot of another kind. */
  unwrap(slot: string): Promise<Uint8Array | undefined>
}

const PURPOSE = { purpose: 'secret-file' }

export function passphraseHolder(passphrase: Secret): FileKeyHolder {
  return {
    wrap: async (fileKey) => {
      const slot = await wrapByPassphrase(fileKey, passphrase)
      return `passphrase ${Buffer.from(slot).toString('base64url')}`
    },
    unwrap: async (slot) => {
      const [kind, text = ''] = slot.split(' ')
      if (kind !== 'passphrase') return undefined
      const bytes = parseBase64url(text)
      if (bytes === undefined || bytes.length < SALT_BYTES) throw damaged()
      return unwrapByPassphrase(bytes, passphrase)
    },
  }
}

/** The Coffre sees the key of the file and none of its values. */
export function coffreHolder(coffre: Pick<Coffre, 'encrypt' | 'decrypt'>, key?: string): FileKeyHolder {
  return {
    wrap: async (fileKey) => {
      if (key === undefined) throw new Error('unreachable: a new file names its key')
      const { ciphertext } = await coffre.encrypt({ key, plaintext: fileKey, context: PURPOSE })
      return `key ${ciphertext}`
    },
    unwrap: async (slot) => {
      const [kind, ciphertext = ''] = slot.split(' ')
      if (kind !== 'key') return undefined
      const { plaintext } = await coffre.decrypt({ ciphertext, context: PURPOSE })
      if (plaintext.length !== FILE_KEY_BYTES) throw damaged()
      return plaintext
    },
  }
}

export function damaged(): CoffreError {
  return new CoffreError('DECRYPTION_FAILED')
}
