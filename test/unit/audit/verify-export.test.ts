import assert from 'node:assert/strict'
import { describe, test, type TestContext } from 'node:test'
import { verifyExport } from '../../../src/audit/verify-export.ts'
import { utf8 } from '../../../src/crypto/bytes.ts'
import { generateEd25519 } from '../../../src/crypto/key-pair.ts'
import { appendLeaves, EMPTY_FRONTIER, leafHash, rootHash } from '../../../src/crypto/merkle.ts'
import { failsWith } from '../../temporary.ts'
import { append, makeLog, readBodies, signingAs, writeCheckpoint } from './signed-log.ts'

async function* inGroups(bodies: readonly string[], size: number): AsyncGenerator<readonly string[]> {
  for (let at = 0; at < bodies.length; at += size) yield bodies.slice(at, at + size)
}

function rootOf(bodies: readonly string[]): string {
  const leaves = bodies.map((body) => leafHash(utf8(body)))
  return Buffer.from(rootHash(appendLeaves(EMPTY_FRONTIER, leaves))).toString('hex')
}

async function makeExport(t: TestContext) {
  const log = await makeLog(t, 5)
  const checkpoint = await writeCheckpoint(log)
  await append(log.store, 4)
  return { bodies: await readBodies(log.store), checkpoint, verifierKeys: [log.verifierKey] }
}

describe('an exported log', () => {
  test('agrees with itself, and nobody vouches for it without a checkpoint', async (t) => {
    const { bodies } = await makeExport(t)
    for (const size of [1, 4, 100]) {
      assert.deepEqual(await verifyExport(inGroups(bodies, size)), {
        valid: true,
        size: 9,
        rootHash: rootOf(bodies),
        findings: ['unsigned'],
      })
    }
  })
  test('agrees with the checkpoint of its beginning', async (t) => {
    const { bodies, ...given } = await makeExport(t)
    assert.deepEqual(await verifyExport(inGroups(bodies, 4), given), {
      valid: true,
      size: 9,
      rootHash: rootOf(bodies),
      signedSize: 5,
      findings: [],
    })
  })
  test('that is shorter than its checkpoint was rolled back', async (t) => {
    const { bodies, ...given } = await makeExport(t)
    assert.deepEqual(await verifyExport(inGroups(bodies.slice(0, 3), 2), given), {
      valid: false,
      size: 3,
      rootHash: rootOf(bodies.slice(0, 3)),
      reason: 'rolled back',
      firstBadIndex: 3,
      findings: [],
    })
  })
  test('is not believed past a record that names another place', async (t) => {
    const { bodies } = await makeExport(t)
    const { valid, reason, firstBadIndex, size } = await verifyExport(inGroups(bodies.toSpliced(5, 1), 2))
    assert.deepEqual([valid, reason, firstBadIndex, size], [false, 'misplaced', 5, 4])
  })
  test('of another log is forked from the first record on', async (t) => {
    const [first = ''] = await readBodies((await makeLog(t, 1)).store)
    const bodies = [first.replace('request-1', 'request-2')]
    const log = await makeLog(t, 1)
    const signed = { checkpoint: await writeCheckpoint(log), verifierKeys: [log.verifierKey] }
    const forked = await verifyExport(inGroups(bodies, 1), signed)
    assert.deepEqual([forked.valid, forked.reason, forked.firstBadIndex], [false, 'forked', 0])
  })
  test('refuses a checkpoint that none of the given keys has signed', async (t) => {
    const { bodies, checkpoint } = await makeExport(t)
    const { verifierKey } = signingAs('another', await generateEd25519())
    const at = (verifierKeys?: readonly string[]) =>
      verifyExport(inGroups(bodies, 4), {
        checkpoint,
        ...(verifierKeys === undefined ? {} : { verifierKeys }),
      })
    await assert.rejects(at([verifierKey]), failsWith('SIGNATURE_INVALID'))
    await assert.rejects(at(), failsWith('SIGNATURE_INVALID'))
    await assert.rejects(at(['no key']), { code: 'INVALID_REQUEST', facts: { at: 'verifierKeys' } })
  })
})
