import type { Instant } from './clock.ts'

/** NIST SP 800-57 Part 1 Rev. 5, section 7. */
export const KEY_STATE_NAMES = [
  'pre-activation',
  'active',
  'suspended',
  'deactivated',
  'compromised',
  'destroyed',
] as const

export type KeyStateName = (typeof KEY_STATE_NAMES)[number]

export function isKeyStateName(value: unknown): value is KeyStateName {
  return KEY_STATE_NAMES.some((name) => name === value)
}

/** The state of one key version, with the moment it began. */
export type KeyState =
  | { readonly name: Exclude<KeyStateName, 'suspended'>; readonly since: Instant }
  /** Resuming leads back to where it was suspended from. */
  | { readonly name: 'suspended'; readonly since: Instant; readonly resumesTo: 'active' | 'deactivated' }
