import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import type { Coffre } from '../../src/model/coffre.ts'
import { openTemporary } from '../temporary.ts'

const coffre = await openTemporary({ after })
await coffre.keys.create({ name: 'there' })

interface Refused {
  readonly change: string
  readonly ask: (coffre: Coffre) => Promise<unknown>
  readonly record: Readonly<Record<string, unknown>>
}

const REFUSED: readonly Refused[] = [
  {
    change: 'a rotation of a key that is not there',
    ask: ({ keys }) => keys.rotate('absent'),
    record: { action: 'key.rotate', code: 'KEY_NOT_FOUND', key: 'absent' },
  },
  {
    change: 'a creation under a name that is taken',
    ask: ({ keys }) => keys.create({ name: 'there' }),
    record: { action: 'key.create', code: 'KEY_EXISTS', key: 'there' },
  },
  {
    change: 'a change of what is no name',
    ask: ({ keys }) => keys.suspend('../absent'),
    record: { action: 'key.suspend', code: 'INVALID_REQUEST', key: undefined },
  },
  {
    change: 'a revocation of a token that is not there',
    ask: ({ tokens }) => tokens.revoke('absent'),
    record: { action: 'token.revoke', code: 'TOKEN_NOT_FOUND', detail: { token: 'absent' } },
  },
]

for (const { change, ask, record } of REFUSED) {
  test(`${change} leaves a record`, async () => {
    const { auditSize = 0 } = await coffre.operator.status()
    await assert.rejects(ask(coffre))
    const added = await coffre.audit.list({ from: auditSize })
    assert.equal(added.length, 1)
    const body = JSON.parse(added[0]?.body ?? '{}') as Readonly<Record<string, unknown>>
    assert.equal(body['outcome'], 'refused')
    const told = Object.fromEntries(Object.keys(record).map((name) => [name, body[name]]))
    assert.deepEqual(told, record)
  })
}
