import { combine, split } from 'shamir-secret-sharing'
import { concat, utf8 } from '../../crypto/bytes.ts'
import { sha256 } from '../../crypto/digest.ts'
import { KeyMaterial, rawBytes } from '../../crypto/key-material.ts'
import { randomBytes } from '../../crypto/random.ts'
import { CoffreError } from '../../model/errors.ts'
import { SEAL_KEY_BYTES } from '../seal-provider.ts'
import { encodeShare, type Share } from './share.ts'

/** More people than this do not hold one secret, and the parameters of a slot stay short. */
const MAX_SHARES = 32
const MIN_THRESHOLD = 2
const SET_ID_BYTES = 4
const CHECK_BYTES = 16
const HEAD_BYTES = 2 + SET_ID_BYTES + CHECK_BYTES
const KEY_LABEL = utf8('coffre shamir key check v1')
const SHARE_LABEL = utf8('coffre shamir share check v1')

export interface Quorum {
  readonly shares: number
  readonly threshold: number
}

/** What a slot tells of its shares (docs/spec/seal.md): enough to refuse a wrong one, not to make one. */
export interface ShareSet {
  readonly setId: string
  readonly threshold: number
  readonly count: number
  readonly keyCheck: Uint8Array
  /** By number, from 1. */
  readonly shareChecks: readonly Uint8Array[]
}

/** Throws INVALID_REQUEST. */
export function checkQuorum({ shares, threshold }: Quorum): void {
  const whole = Number.isInteger(shares) && Number.isInteger(threshold)
  if (whole && threshold >= MIN_THRESHOLD && threshold <= shares && shares <= MAX_SHARES) return
  const expected = `threshold from ${MIN_THRESHOLD} to shares, shares to ${MAX_SHARES}`
  throw new CoffreError('INVALID_REQUEST', { facts: { at: 'shares', expected } })
}

/** Any `threshold` of the shares give `key`, of 32 bytes, back. `setId` is random when absent. */
export async function splitSealKey(
  key: KeyMaterial,
  quorum: Quorum,
  setId = Buffer.from(randomBytes(SET_ID_BYTES)).toString('hex'),
): Promise<readonly Share[]> {
  checkQuorum(quorum)
  const pieces = await split(rawBytes(key), quorum.shares, quorum.threshold)
  return pieces.map((piece, index) => {
    const [value, point] = [new KeyMaterial(piece.subarray(0, SEAL_KEY_BYTES)), piece[SEAL_KEY_BYTES] ?? 0]
    piece.fill(0)
    return { setId, threshold: quorum.threshold, count: quorum.shares, number: index + 1, point, value }
  })
}

/** The library does not tell a wrong reconstruction, so the stored check does. Throws PASSPHRASE_WRONG. */
export async function combineShares(shares: readonly Share[], set: ShareSet): Promise<KeyMaterial> {
  const sealKey = await joinShares(shares.slice(0, set.threshold))
  if (Buffer.from(set.keyCheck).equals(checkKey(set.setId, sealKey))) return sealKey
  sealKey.wipe()
  throw new CoffreError('PASSPHRASE_WRONG', { facts: { setting: 'shares' } })
}

/** Something of 32 bytes; whether it is the right key, only a check of it tells. */
export async function joinShares(shares: readonly Share[]): Promise<KeyMaterial> {
  const pieces = shares.map(
    ({ value, point }) => new Uint8Array(concat(rawBytes(value), Uint8Array.of(point))),
  )
  const bytes = await combine(pieces)
  for (const piece of pieces) piece.fill(0)
  const key = new KeyMaterial(bytes)
  bytes.fill(0)
  return key
}

/** Throws SHARE_FOREIGN for a share that this set has not given out. */
export function requireMember(share: Share, set: ShareSet): void {
  const check = set.shareChecks[share.number - 1]
  const same = check !== undefined && Buffer.from(check).equals(checkShare(share))
  if (share.setId === set.setId && same) return
  throw new CoffreError('SHARE_FOREIGN', { facts: { share: share.number, set: share.setId } })
}

export function encodeShareSet(shares: readonly Share[], sealKey: KeyMaterial): Uint8Array {
  const [first] = shares
  if (first === undefined) throw new Error('unreachable: a set has shares')
  const { threshold, count, setId } = first
  const head = concat(Uint8Array.of(threshold, count), Buffer.from(setId, 'hex'), checkKey(setId, sealKey))
  return concat(head, ...shares.map(checkShare))
}

/** Throws SEAL_DAMAGED for what we never write. */
export function parseShareSet(parameters: Uint8Array): ShareSet {
  const bytes = Buffer.from(parameters)
  const [threshold = 0, count = 0] = bytes
  const whole = threshold >= MIN_THRESHOLD && threshold <= count && count <= MAX_SHARES
  if (!whole || bytes.length !== HEAD_BYTES + count * CHECK_BYTES) {
    throw new CoffreError('SEAL_DAMAGED', { facts: { part: 'parameters' } })
  }
  const at = (index: number) => HEAD_BYTES + index * CHECK_BYTES
  return {
    setId: bytes.toString('hex', 2, 2 + SET_ID_BYTES),
    threshold,
    count,
    keyCheck: bytes.subarray(2 + SET_ID_BYTES, HEAD_BYTES),
    shareChecks: Array.from({ length: count }, (_, index) => bytes.subarray(at(index), at(index + 1))),
  }
}

function checkKey(setId: string, sealKey: KeyMaterial): Uint8Array {
  return sha256(concat(KEY_LABEL, Buffer.from(setId, 'hex'), rawBytes(sealKey))).subarray(0, CHECK_BYTES)
}

/** Over 256 secret bits, so it tells nothing of them. */
function checkShare(share: Share): Uint8Array {
  return sha256(concat(SHARE_LABEL, encodeShare(share))).subarray(0, CHECK_BYTES)
}
