import { concat, utf8 } from '../crypto/bytes.ts'
import { sha256 } from '../crypto/digest.ts'
import { KeyMaterial, rawBytes } from '../crypto/key-material.ts'
import { CoffreError } from '../model/errors.ts'
import { Secret } from '../model/secret.ts'
import { writePrivateFile } from './file/private-file.ts'
import { SEAL_KEY_BYTES, type SealProvider, type SealProviderName } from './seal-provider.ts'
import { fromText, type TextForm, toDigits, toWords } from './shamir/secret-text.ts'
import { invalidShare } from './shamir/share.ts'

const FORMAT = 2
const LABEL = utf8('coffre seal key v1')
const CHECKSUM_BYTES = 3
const FORM: TextForm = { prefix: 'COFFRE-SEAL-KEY-', bytes: 1 + SEAL_KEY_BYTES + CHECKSUM_BYTES }

export interface SealKeyText {
  readonly text: Secret
  readonly words: Secret
}

/** The seal key of a key file or the environment, for a sheet of paper (docs/spec/share.md, "Seal key"). */
export async function writeSealKeyText(provider: SealProvider): Promise<SealKeyText> {
  const key = await provider.recover(new Uint8Array(0))
  const body = concat(Uint8Array.of(FORMAT), rawBytes(key))
  const bytes = concat(body, checksum(body))
  key.wipe()
  return { text: new Secret(toDigits(FORM, bytes)), words: new Secret(toWords(bytes)) }
}

/** Throws SHARE_INVALID. */
function parseSealKeyText(text: Secret): KeyMaterial {
  const bytes = Buffer.from(fromText(FORM, text.reveal()))
  const body = bytes.subarray(0, 1 + SEAL_KEY_BYTES)
  const whole = bytes.subarray(body.length).equals(checksum(body)) && body[0] === FORMAT
  if (!whole) throw invalidShare({ reason: 'checksum' })
  return new KeyMaterial(body.subarray(1))
}

/** A provider of exactly this key, to try it on a slot. */
export function knownKeySeal(name: SealProviderName, text: Secret): SealProvider {
  const create = async () => ({ sealKey: parseSealKeyText(text), parameters: new Uint8Array(0) })
  return { name, create, recover: async () => parseSealKeyText(text) }
}

/** A key file as `fileSeal` makes it. Never replaces one. */
export async function restoreSealKeyFile(path: string, text: Secret): Promise<void> {
  const key = parseSealKeyText(text)
  const written = await writePrivateFile(path, `${Buffer.from(rawBytes(key)).toString('hex')}\n`, {
    ifExists: 'keep',
  })
  key.wipe()
  if (!written) throw new CoffreError('CONFIG_REFUSED', { facts: { file: path, expected: 'no file there' } })
}

function checksum(body: Uint8Array): Uint8Array {
  return sha256(concat(LABEL, body)).subarray(0, CHECKSUM_BYTES)
}
