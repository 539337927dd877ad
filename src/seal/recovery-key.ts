import type { KeyMaterial } from '../crypto/key-material.ts'
import { randomKeyMaterial } from '../crypto/random.ts'
import { formatRecoveryPublicKey, recoveryFingerprint } from '../crypto/recovery-key.ts'
import { xWingPublicKey } from '../crypto/x-wing.ts'
import type { Secret } from '../model/secret.ts'
import { PAPER_FORMS, type PaperKey, parsePaperKey, writePaperKey } from './paper-key.ts'

const SEED_BYTES = 32

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

/** The secret half, from text or words. Throws SHARE_INVALID. */
export function parseRecoveryKey(text: Secret): KeyMaterial {
  return parsePaperKey(PAPER_FORMS.recoveryKey, text)
}
