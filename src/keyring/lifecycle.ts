import type { Instant } from '../model/clock.ts'
import type { KeyState, KeyStateName } from '../model/key-state.ts'

export const KEY_MOVES = [
  'activate',
  'reactivate',
  'suspend',
  'resume',
  'deactivate',
  'compromise',
  'destroy',
] as const

export type KeyMove = (typeof KEY_MOVES)[number]

/**
 * State names and moves follow NIST SP 800-57 Part 1 Rev. 5, section 7; absent means refused.
 * Two choices of ours: `reactivate` (an older version becomes current again, which is what a rollback is),
 * and no way from active straight to destroyed.
 */
const NEXT: Readonly<Record<KeyStateName, Partial<Record<KeyMove, KeyStateName>>>> = {
  'pre-activation': { activate: 'active', compromise: 'compromised', destroy: 'destroyed' },
  active: { suspend: 'suspended', deactivate: 'deactivated', compromise: 'compromised' },
  suspended: { resume: 'active', deactivate: 'deactivated', compromise: 'compromised' },
  deactivated: {
    reactivate: 'active',
    suspend: 'suspended',
    compromise: 'compromised',
    destroy: 'destroyed',
  },
  compromised: { destroy: 'destroyed' },
  destroyed: {},
}

/** The state after `move`, or `undefined` when the table refuses it. */
export function nextState(state: KeyState, move: KeyMove, now: Instant): KeyState | undefined {
  const name = NEXT[state.name][move]
  if (name === undefined) return undefined
  if (name === 'suspended') {
    return { name, since: now, resumesTo: state.name === 'deactivated' ? 'deactivated' : 'active' }
  }
  if (state.name === 'suspended' && move === 'resume') return { name: state.resumesTo, since: now }
  return { name, since: now }
}

/** What an operation does with key material: protect new data, read old data, or judge a signature or MAC. */
export type KeyUse = 'protect' | 'process' | 'verify'

/** NIST SP 800-57 Part 1 Rev. 5, section 7: which use each state allows. */
const ALLOWED: Readonly<Record<KeyStateName, readonly KeyUse[]>> = {
  'pre-activation': [],
  active: ['protect', 'process', 'verify'],
  suspended: [],
  deactivated: ['process', 'verify'],
  // Data must still come out to be rewrapped; a signature that anybody could have made proves nothing.
  compromised: ['process'],
  destroyed: [],
}

export function allowsUse(state: KeyState, use: KeyUse): boolean {
  return ALLOWED[state.name].includes(use)
}
