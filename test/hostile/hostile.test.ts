import assert from 'node:assert/strict'
import { test } from 'node:test'
import { makeFolder } from '../temporary.ts'
import { ATTACKS } from './attacks.ts'
import { measureUnderAttack, measureWhileSealed } from './under-attack.ts'

/** The campaign `hostile` sends more and reports times; here only what must hold whatever the machine does. */
const REQUESTS = 15
/** A body of the greatest size for each of the attackers, and the server itself. */
const MAX_MEBIBYTES = 700

const skip = process.platform === 'linux' ? false : 'reads /proc'

test('honest requests get their answers beside every attack, within bounded memory', { skip }, async (t) => {
  const { attacks } = await measureUnderAttack({ folder: makeFolder(t), requests: REQUESTS })
  assert.equal(attacks.length, ATTACKS.length)
  for (const { attack, failed, peakMebibytes } of attacks) {
    assert.equal(failed, 0, attack)
    assert.ok(peakMebibytes < MAX_MEBIBYTES, `${attack}: ${peakMebibytes} MiB`)
  }
})

test('guesses at the passphrase of a sealed server keep nobody from asking for its state', {
  skip,
}, async (t) => {
  const { attacks } = await measureWhileSealed({ folder: makeFolder(t), requests: REQUESTS })
  for (const { attack, failed, peakMebibytes } of attacks) {
    assert.equal(failed, 0, attack)
    assert.ok(peakMebibytes < MAX_MEBIBYTES, `${attack}: ${peakMebibytes} MiB`)
  }
})
