import { concat, utf8 } from '../crypto/bytes.ts'
import { sha256 } from '../crypto/digest.ts'
import { KeyMaterial, rawBytes } from '../crypto/key-material.ts'
import { Secret } from '../model/secret.ts'
import { fromText, type TextForm, toDigits, toWords } from './shamir/secret-text.ts'
import { invalidShare } from './shamir/share.ts'

/** A key of 32 bytes for a sheet of paper: a format byte, the key, three bytes that find a typing error. */
interface PaperForm extends TextForm {
  readonly format: number
  readonly label: string
}

const KEY_BYTES = 32
const CHECKSUM_BYTES = 3
const BYTES = 1 + KEY_BYTES + CHECKSUM_BYTES

/** docs/spec/share.md, "Seal key", and docs/spec/recovery-key.md. */
export const PAPER_FORMS = {
  sealKey: { prefix: 'COFFRE-SEAL-KEY-', bytes: BYTES, format: 2, label: 'coffre seal key v1' },
  recoveryKey: { prefix: 'COFFRE-RECOVERY-', bytes: BYTES, format: 3, label: 'coffre recovery key v1' },
} as const satisfies Record<string, PaperForm>

export interface PaperKey {
  readonly text: Secret
  readonly words: Secret
}

export function writePaperKey(form: PaperForm, key: KeyMaterial): PaperKey {
  const body = concat(Uint8Array.of(form.format), rawBytes(key))
  const bytes = concat(body, checksum(form, body))
  return { text: new Secret(toDigits(form, bytes)), words: new Secret(toWords(bytes)) }
}

/** Text or words, as people type them. Throws SHARE_INVALID. */
export function parsePaperKey(form: PaperForm, text: Secret): KeyMaterial {
  const bytes = Buffer.from(fromText(form, text.reveal()))
  const body = bytes.subarray(0, 1 + KEY_BYTES)
  const isWhole = bytes.subarray(body.length).equals(checksum(form, body)) && body[0] === form.format
  if (!isWhole) throw invalidShare({ reason: 'checksum' })
  const key = new KeyMaterial(body.subarray(1))
  bytes.fill(0)
  return key
}

function checksum({ label }: PaperForm, body: Uint8Array): Uint8Array {
  return sha256(concat(utf8(label), body)).subarray(0, CHECKSUM_BYTES)
}
