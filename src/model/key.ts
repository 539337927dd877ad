import type { AlgorithmName, KeyPurpose } from './algorithm-name.ts'
import type { Instant } from './clock.ts'
import type { KeyId, KeyName, TenantId, VersionNumber } from './ids.ts'
import type { KeyState } from './key-state.ts'

/** In rising order. */
export const SECURITY_LEVELS = ['low', 'medium', 'high', 'critical'] as const

export type SecurityLevel = (typeof SECURITY_LEVELS)[number]

export function isSecurityLevel(value: unknown): value is SecurityLevel {
  return SECURITY_LEVELS.some((level) => level === value)
}

/** One generation of material under a key. The material itself is elsewhere, wrapped. */
export interface KeyVersion {
  readonly version: VersionNumber
  readonly state: KeyState
  readonly createdAt: Instant
  /** SPKI PEM of an asymmetric key. It stays after the material is destroyed. */
  readonly publicKey?: string
  /** Absent: Coffre made it. */
  readonly origin?: 'imported'
}

/** What an owner writes on a key; nothing here changes how it works. */
export interface KeyLabels {
  readonly description: string
  readonly owner: string
  readonly environment: string
  readonly securityLevel: SecurityLevel
  readonly tags: Readonly<Record<string, string>>
}

/** A named thing with versions that a user manages. Immutable: every change makes a new one. */
export interface Key {
  readonly id: KeyId
  readonly tenant: TenantId
  readonly name: KeyName
  readonly algorithm: AlgorithmName
  readonly purpose: KeyPurpose
  readonly labels: KeyLabels
  readonly createdAt: Instant
  readonly updatedAt: Instant
  /** Rises by one with every stored change; a write that carries an old one is refused (fencing). */
  readonly epoch: number
  /** Whether it may leave, wrapped. Fixed when it is made; absent: it stays. */
  readonly exportable?: true
  /** Versions below it process nothing any more. */
  readonly floor: VersionNumber
  /** When the whole key will be destroyed; while it is set the key does nothing. */
  readonly destroyAt?: Instant
  /** Ascending from 1 without gaps. */
  readonly versions: readonly KeyVersion[]
}
