import type { ContextPairs } from './coffre.ts'
import type { ErrorFacts } from './errors.ts'

/** What is wrong with a blob; docs/en/doctor.md says each in words. Never renamed. */
export const VERDICTS = [
  'decrypts',
  'expired',
  'from-the-future',
  'unknown-key',
  'unknown-version',
  'wrong-key',
  'wrong-purpose',
  'destroyed-version',
  'suspended-version',
  'below-floor',
  'unusable-version',
  'key-pending-destruction',
  'wrong-context',
  'context-or-content',
  'content-or-key',
  'changed-head',
  'truncated',
  'not-ciphertext',
  'surrounded',
  'encoded',
  'other-system',
  'empty',
  'unknown-format',
] as const

export type Verdict = (typeof VERDICTS)[number]

export interface DiagnosisRequest {
  readonly blob: string
  readonly context?: ContextPairs
  /** Needed where the format names no key. */
  readonly key?: string
  /** For Fernet: how old a token may be. */
  readonly ttlSeconds?: number
}

/** Never a plaintext, and never a part of the blob. */
export interface Diagnosis {
  readonly verdict: Verdict
  /** `coffre-ciphertext`, `fernet`, `age`, `base64`, … */
  readonly format: string
  readonly key?: string
  readonly version?: number
  /** The next command. */
  readonly next: string
  readonly facts: ErrorFacts
}
