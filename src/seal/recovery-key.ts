import { utf8 } from '../crypto/bytes.ts'
import { hkdfExpand } from '../crypto/hkdf-expand.ts'
import { KeyMaterial } from '../crypto/key-material.ts'
import { randomKeyMaterial } from '../crypto/random.ts'
import { formatRecoveryPublicKey, recoveryFingerprint } from '../crypto/recovery-key.ts'
import { xWingPublicKey } from '../crypto/x-wing.ts'
import type { Secret } from '../model/secret.ts'
import { PAPER_FORMS, type PaperKey, parsePaperKey, writePaperKey } from './paper-key.ts'

const SEED_BYTES = 32
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
