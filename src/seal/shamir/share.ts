import { concat, utf8 } from '../../crypto/bytes.ts'
import { sha256 } from '../../crypto/digest.ts'
import { KeyMaterial, rawBytes } from '../../crypto/key-material.ts'
import { CoffreError } from '../../model/errors.ts'

/** One share of a seal key or of a recovery key (docs/spec/share.md). `value` is the secret part. */
export interface Share {
  /** Hex; the same for every share of one splitting. */
  readonly setId: string
  readonly threshold: number
  /** How many there are. */
  readonly count: number
  /** 1, 2 … `count`: what is written on the sheet. */
  readonly number: number
  /** Where the polynomial was taken. */
  readonly point: number
  readonly value: KeyMaterial
}

/** What is shared. A share of one kind is none of the other. */
export interface ShareKind {
  readonly format: number
  readonly label: string
}

const SEAL_SHARE: ShareKind = { format: 1, label: 'coffre share v1' }
export const RECOVERY_SHARE: ShareKind = { format: 4, label: 'coffre recovery share v1' }

const SET_ID_BYTES = 4
const VALUE_OFFSET = 9
const VALUE_BYTES = 32
const CHECKSUM_BYTES = 3
/** 352 bits: exactly 32 words of 11 bits. */
export const SHARE_BYTES = VALUE_OFFSET + VALUE_BYTES + CHECKSUM_BYTES
const CHECKSUM_OFFSET = VALUE_OFFSET + VALUE_BYTES

export function encodeShare(share: Share, kind = SEAL_SHARE): Uint8Array {
  const { setId, threshold, count, number, point, value } = share
  const head = concat(Uint8Array.of(kind.format), Buffer.from(setId, 'hex'))
  const body = concat(head, Uint8Array.of(threshold, count, number, point), rawBytes(value))
  return concat(body, checksum(kind, body))
}

/** Throws SHARE_INVALID: a typing mistake, or no share of ours at all. */
export function decodeShare(bytes: Uint8Array, kind = SEAL_SHARE): Share {
  if (bytes.length !== SHARE_BYTES) throw invalidShare({ reason: 'length' })
  const buffer = Buffer.from(bytes)
  const body = buffer.subarray(0, CHECKSUM_OFFSET)
  if (!buffer.subarray(CHECKSUM_OFFSET).equals(checksum(kind, body)))
    throw invalidShare({ reason: 'checksum' })
  if (buffer[0] !== kind.format) throw invalidShare({ reason: 'format' })
  const [threshold = 0, count = 0, number = 0, point = 0] = buffer.subarray(1 + SET_ID_BYTES, VALUE_OFFSET)
  const whole = threshold >= 2 && threshold <= count && number >= 1 && number <= count && point >= 1
  if (!whole) throw invalidShare({ reason: 'format' })
  const value = new KeyMaterial(buffer.subarray(VALUE_OFFSET, CHECKSUM_OFFSET))
  buffer.fill(0)
  return {
    setId: Buffer.from(bytes).toString('hex', 1, 1 + SET_ID_BYTES),
    threshold,
    count,
    number,
    point,
    value,
  }
}

export function invalidShare(facts: Readonly<Record<string, string | number>>): CoffreError {
  return new CoffreError('SHARE_INVALID', { facts })
}

/** It finds mistakes; nobody has to be kept from making one. */
function checksum({ label }: ShareKind, body: Uint8Array): Uint8Array {
  return sha256(concat(utf8(label), body)).subarray(0, CHECKSUM_BYTES)
}
