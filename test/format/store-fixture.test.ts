import assert from 'node:assert/strict'
import { chmodSync, cpSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, type TestContext, test } from 'node:test'
import { type OpenOptions, openCoffre } from '../../src/app.ts'
import { toInstant } from '../../src/model/clock.ts'
import { POSTGRES_18, startPostgres } from '../postgres-server.ts'
import { makeFolder } from '../temporary.ts'

const FIXTURES = join(import.meta.dirname, '../fixture/store')

interface Expected {
  readonly ciphertexts: readonly { readonly ciphertext: string; readonly plaintext: string }[]
  readonly keys: readonly { readonly name: string; readonly createdAt: string }[]
  readonly auditSize: number
}

function copyFixture(t: TestContext): { readonly dataDir: string; readonly expected: Expected } {
  const dataDir = makeFolder(t)
  cpSync(join(FIXTURES, 'schema-1'), dataDir, { recursive: true })
  // Git keeps no mode of 0600, and a seal key that others may read is refused.
  chmodSync(join(dataDir, 'seal.key'), 0o600)
  const expected = JSON.parse(readFileSync(join(dataDir, 'expected.json'), 'utf8')) as Expected
  return { dataDir, expected }
}

async function assertOpens(t: TestContext, options: OpenOptions, expected: Expected): Promise<void> {
  // A key in it is scheduled for destruction, which must not come to pass here.
  const clock = () => toInstant(Date.parse(expected.keys[0]?.createdAt ?? ''))
  const coffre = await openCoffre({ ...options, clock })
  t.after(() => coffre.close())
  const keys = await coffre.keys.list()
  for (const [at, key] of expected.keys.entries()) {
    // Later versions may show more of a key, and nothing else of what they showed.
    assert.partialDeepStrictEqual(keys[at], key)
  }
  assert.equal(keys.length, expected.keys.length)
  for (const { ciphertext, plaintext } of expected.ciphertexts) {
    assert.equal(Buffer.from((await coffre.decrypt({ ciphertext })).plaintext).toString(), plaintext)
  }
  const before = await coffre.audit.verify()
  assert.ok(before.valid && before.size > expected.auditSize)
  await coffre.keys.rotate('rotated')
  assert.equal((await coffre.audit.verify()).valid, true)
}

describe('a store of an earlier version', () => {
  test('of schema 1 opens with everything that was in it, and goes on', async (t) => {
    const { dataDir, expected } = copyFixture(t)
    await assertOpens(t, { dataDir }, expected)
  })

  test('of the first schema on PostgreSQL does too', { skip: POSTGRES_18.skip }, async (t) => {
    const { dataDir, expected } = copyFixture(t)
    const server = await startPostgres(t)
    const databaseUrl = await server.makeDatabase()
    const client = await server.connect(databaseUrl)
    await client.query(readFileSync(join(FIXTURES, 'postgres/schema-5.sql'), 'utf8'))
    await client.end()
    await assertOpens(t, { dataDir, databaseUrl }, expected)
  })
})
