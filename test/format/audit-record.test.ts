import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import { openTemporary } from '../temporary.ts'

const MEMBERS =
  'v i prev at action by tenant request outcome code key keyId version uses failed detail'.split(' ')

test('every record follows docs/spec/audit-log.md, and the head is that of RFC 6962', async (t) => {
  const coffre = await openTemporary(t)
  const made = await coffre.keys.create({ name: 'k' })
  const { ciphertext } = await coffre.encrypt({ key: 'k', plaintext: 'x' })
  await coffre.batch('decrypt', [{ ciphertext }, { ciphertext }, { ciphertext: 'x' }])
  await coffre.keys.rotate('k')
  await assert.rejects(coffre.keys.rollback('k', { version: 9 }))
  const token = await coffre.tokens.create({ name: 'app', role: 'app' })
  await coffre.tokens.revoke(token.id)
  await coffre.operator.seal()
  await coffre.operator.unseal()
  const records = await coffre.audit.list({ limit: 1_000 })
  assert.ok(records.length >= 10)
  let previous = '0'.repeat(64)
  const leaves: Buffer[] = []
  for (const [index, { body, ...shown }] of records.entries()) {
    const record = JSON.parse(body) as Record<string, unknown>
    assert.equal(JSON.stringify(record), body)
    const names = Object.keys(record)
    assert.deepEqual(
      names,
      MEMBERS.filter((name) => names.includes(name)),
      'in the order of the page',
    )
    assert.deepEqual([record['v'], record['i'], record['prev']], [1, index, previous])
    assert.match(String(record['at']), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)
    assert.deepEqual([shown.index, shown.at, shown.action], [index, record['at'], record['action']])
    assert.equal(record['code'] === undefined, record['outcome'] === 'ok')
    const leaf = createHash('sha256').update(Uint8Array.of(0)).update(body).digest()
    leaves.push(leaf)
    previous = leaf.toString('hex')
  }
  assert.equal((await coffre.audit.verify()).rootHash, rootOf(leaves).toString('hex'))
  const find = (action: string) => {
    const record = records.find((each) => each.action === action)
    return JSON.parse(record?.body ?? '{}') as Record<string, unknown>
  }
  const decrypt = find('data.decrypt')
  assert.deepEqual(decrypt['uses'], [{ key: 'k', keyId: made.id, version: 1, count: 2 }])
  assert.deepEqual(
    [decrypt['outcome'], decrypt['failed'], decrypt['code']],
    ['partial', 1, 'DECRYPTION_FAILED'],
  )
  const rotate = find('key.rotate')
  assert.deepEqual(
    [rotate['by'], rotate['key'], rotate['keyId'], rotate['version']],
    ['local', 'k', made.id, 2],
  )
  const refused = find('key.rollback')
  assert.deepEqual([refused['outcome'], refused['code']], ['refused', 'KEY_VERSION_NOT_FOUND'])
  assert.deepEqual(find('token.revoke')['detail'], { token: token.id })
  for (const { body } of records) assert.ok(!body.includes(token.token.reveal()))
})

function rootOf(leaves: readonly Buffer[]): Buffer {
  const [first] = leaves
  if (first !== undefined && leaves.length === 1) return first
  let split = 1
  while (split * 2 < leaves.length) split *= 2
  const parts = [Buffer.of(1), rootOf(leaves.slice(0, split)), rootOf(leaves.slice(split))]
  return createHash('sha256').update(Buffer.concat(parts)).digest()
}
