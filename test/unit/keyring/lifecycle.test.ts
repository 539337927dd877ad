import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { allowsUse, KEY_MOVES, type KeyMove, nextState } from '../../../src/keyring/lifecycle.ts'
import { toInstant } from '../../../src/model/clock.ts'
import { KEY_STATE_NAMES, type KeyState, type KeyStateName } from '../../../src/model/key-state.ts'

const BEFORE = toInstant(1_000)
const NOW = toInstant(2_000)

/** Written out a second time, from NIST SP 800-57 Part 1 Rev. 5, section 7, and docs/design/lifecycle.md. */
const TABLE: Readonly<Record<KeyStateName, Readonly<Record<KeyMove, KeyStateName | '-'>>>> = {
  'pre-activation': row('active', '-', '-', '-', '-', 'compromised', 'destroyed'),
  active: row('-', '-', 'suspended', '-', 'deactivated', 'compromised', '-'),
  suspended: row('-', '-', '-', 'active', 'deactivated', 'compromised', '-'),
  deactivated: row('-', 'active', 'suspended', '-', '-', 'compromised', 'destroyed'),
  compromised: row('-', '-', '-', '-', '-', '-', 'destroyed'),
  destroyed: row('-', '-', '-', '-', '-', '-', '-'),
}

function row(...cells: readonly (KeyStateName | '-')[]): Record<KeyMove, KeyStateName | '-'> {
  const [activate, reactivate, suspend, resume, deactivate, compromise, destroy] = cells
  assert.equal(cells.length, KEY_MOVES.length)
  const none = '-' as const
  return {
    activate: activate ?? none,
    reactivate: reactivate ?? none,
    suspend: suspend ?? none,
    resume: resume ?? none,
    deactivate: deactivate ?? none,
    compromise: compromise ?? none,
    destroy: destroy ?? none,
  }
}

function stateNamed(name: KeyStateName): KeyState {
  return name === 'suspended' ? { name, since: BEFORE, resumesTo: 'active' } : { name, since: BEFORE }
}

describe('every state and every move', () => {
  for (const from of KEY_STATE_NAMES) {
    for (const move of KEY_MOVES) {
      const to = TABLE[from][move]
      test(to === '-' ? `${from} refuses to ${move}` : `${from} becomes ${to} by ${move}`, () => {
        const next = nextState(stateNamed(from), move, NOW)
        assert.equal(next?.name ?? '-', to)
        if (next !== undefined) assert.equal(next.since, NOW)
      })
    }
  }
})

test('a suspended version resumes to where it was suspended from', () => {
  for (const from of ['active', 'deactivated'] as const) {
    const suspended = nextState({ name: from, since: BEFORE }, 'suspend', NOW)
    assert.deepEqual(suspended, { name: 'suspended', since: NOW, resumesTo: from })
    assert.equal(suspended && nextState(suspended, 'resume', NOW)?.name, from)
  }
})

test('each state allows exactly these uses', () => {
  const uses = ['protect', 'process', 'verify'] as const
  const found = KEY_STATE_NAMES.map((name) => uses.filter((use) => allowsUse(stateNamed(name), use)))
  assert.deepEqual(found, [[], [...uses], [], ['process', 'verify'], ['process'], []])
})
