import { utf8 } from '../crypto/bytes.ts'
import { hkdfExpand } from '../crypto/hkdf-expand.ts'
import { KeyMaterial } from '../crypto/key-material.ts'
import { randomKeyMaterial } from '../crypto/random.ts'
import { formatRecoveryPublicKey, recoveryFingerprint } from '../crypto/recovery-key.ts'
import { xWingPublicKey } from '../crypto/x-wing.ts'
import { CoffreError } from '../model/errors.ts'
import { Secret } from '../model/secret.ts'
import { PAPER_FORMS, type PaperKey, parsePaperKey, writePaperKey } from './paper-key.ts'
import { fromText, type TextForm, toDigits, toWords } from './shamir/secret-text.ts'
import {
  decodeShare,
  encodeShare,
  invalidShare,
  RECOVERY_SHARE,
  type Share,
  SHARE_BYTES,
} from './shamir/share.ts'
import { joinShares, type Quorum, splitSealKey } from './shamir/split.ts'

const SEED_BYTES = 32
const SET_ID_DIGITS = 8
const SHARE_WORDS = 32
const SHARE_FORM: TextForm = { prefix: 'COFFRE-RECOVERY-SHARE-', bytes: SHARE_BYTES }
const SEAL_LABEL = utf8('coffre recovery key of seal v1\0')

/** Both halves of a recovery key (docs/spec/recovery-key.md). */
export interface NewRecoveryKey extends PaperKey {
  /** `coffre-recovery-v1:…` */
  readonly publicKey: string
  readonly fingerprint: string
}

/** A new one. Its secret half is in what this answers and nowhere else. */
export function createRecoveryKey(): NewRecoveryKey {
  const seed = randomKeyMaterial(SEED_BYTES)
  const publicKey = xWingPublicKey(seed)
  const paper = writePaperKey(PAPER_FORMS.recoveryKey, seed)
  seed.wipe()
  return {
    ...paper,
    publicKey: formatRecoveryPublicKey(publicKey),
    fingerprint: recoveryFingerprint(publicKey),
  }
}

/** A recovery key that nobody holds alone: `text` and `words` are of one share. */
export interface NewRecoveryShares extends Pick<NewRecoveryKey, 'publicKey' | 'fingerprint'> {
  readonly shares: readonly (PaperKey & ShareFacts)[]
}

type ShareFacts = Pick<Share, 'setId' | 'number' | 'count' | 'threshold'>

/** A new one of which any `threshold` shares are enough. Throws INVALID_REQUEST. */
export async function createRecoveryShares(quorum: Quorum): Promise<NewRecoveryShares> {
  const seed = randomKeyMaterial(SEED_BYTES)
  const publicKey = xWingPublicKey(seed)
  const fingerprint = recoveryFingerprint(publicKey)
  const shares = await splitSealKey(seed, quorum, setIdOf(fingerprint))
  seed.wipe()
  return {
    publicKey: formatRecoveryPublicKey(publicKey),
    fingerprint,
    shares: shares.map((share) => {
      const { setId, number, count, threshold, value } = share
      const paper = writeRecoveryShare(share)
      value.wipe()
      return { setId, number, count, threshold, ...paper }
    }),
  }
}

export function writeRecoveryShare(share: Share): PaperKey {
  const bytes = encodeShare(share, RECOVERY_SHARE)
  return { text: new Secret(toDigits(SHARE_FORM, bytes)), words: new Secret(toWords(bytes)) }
}

/** Whether the sheet of a recovery key is that of a seal key. */
export function isSealKeyText(text: Secret): boolean {
  return trySeal(text) !== undefined
}

/** The text of the recovery key of which these are shares, as text or words. Throws SHARE_INVALID, SHARE_FOREIGN, SHARE_REPEATED. */
export async function joinRecoveryShares(given: readonly Secret[]): Promise<Secret> {
  const shares = given.map(parseRecoveryShare)
  requireOneSet(shares)
  const seed = await joinShares(shares.slice(0, shares[0]?.threshold))
  for (const { value } of shares) value.wipe()
  try {
    const fingerprint = recoveryFingerprint(xWingPublicKey(seed))
    if (setIdOf(fingerprint) !== shares[0]?.setId) throw invalidShare({ reason: 'they make no recovery key' })
    return writePaperKey(PAPER_FORMS.recoveryKey, seed).text
  } finally {
    seed.wipe()
  }
}

/** Throws SHARE_INVALID. */
export function parseRecoveryShare(text: Secret): Share {
  return decodeShare(fromText(SHARE_FORM, text.reveal()), RECOVERY_SHARE)
}

/** By its prefix, or the number of its words; it may still be mistyped. */
export function isRecoveryShare(text: Secret): boolean {
  const upper = text.reveal().trim().toUpperCase()
  if (upper.startsWith('COFFRE-')) return upper.startsWith(SHARE_FORM.prefix)
  return upper.split(/[^A-Z]+/).filter((word) => word !== '').length === SHARE_WORDS
}

/** The beginning of the fingerprint: it tells what the shares are of, and whether they made it. */
function setIdOf(fingerprint: string): string {
  return fingerprint.slice(0, SET_ID_DIGITS)
}

function requireOneSet(shares: readonly Share[]): void {
  const [first] = shares
  const numbers = new Set<number>()
  for (const { setId, number, threshold, count } of shares) {
    const isOfSet = setId === first?.setId && threshold === first.threshold && count === first.count
    if (!isOfSet) throw new CoffreError('SHARE_FOREIGN', { facts: { share: number, set: setId } })
    if (numbers.has(number)) throw new CoffreError('SHARE_REPEATED', { facts: { share: number } })
    numbers.add(number)
  }
  const needed = first?.threshold ?? 2
  if (shares.length >= needed) return
  throw new CoffreError('BACKUP_KEY_MISSING', { facts: { shares: shares.length, needed } })
}

/** The public half of the recovery key that a seal key is as well. */
export function recoveryKeyOfSeal(sealKeyText: Secret): Pick<NewRecoveryKey, 'publicKey' | 'fingerprint'> {
  const seed = seedOfSeal(sealKeyText)
  const publicKey = xWingPublicKey(seed)
  seed.wipe()
  return { publicKey: formatRecoveryPublicKey(publicKey), fingerprint: recoveryFingerprint(publicKey) }
}

/** The secret half, from text or words: its own, or those of a seal key. Throws SHARE_INVALID. */
export function parseRecoveryKey(text: Secret): KeyMaterial {
  try {
    return parsePaperKey(PAPER_FORMS.recoveryKey, text)
  } catch (error) {
    return trySeal(text) ?? fail(error)
  }
}

function trySeal(text: Secret): KeyMaterial | undefined {
  try {
    return seedOfSeal(text)
  } catch {
    return undefined
  }
}

function fail(error: unknown): never {
  throw error
}

function seedOfSeal(text: Secret): KeyMaterial {
  const sealKey = parsePaperKey(PAPER_FORMS.sealKey, text)
  const bytes = hkdfExpand(sealKey, SEAL_LABEL, SEED_BYTES, 'sha512')
  sealKey.wipe()
  const seed = new KeyMaterial(bytes)
  bytes.fill(0)
  return seed
}
