import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { AUDIT_ACTIONS } from '../../src/model/audit-event.ts'
import { POSTGRES_18, PostgresServer } from '../postgres-server.ts'
import { FAULT_KINDS } from './faulty-store.ts'
import { NOT_SWEPT } from './not-swept.ts'
import { sweepInit } from './sweep-init.ts'
import { formatCalls } from './nth-call.ts'
import { sweepQueries } from './sweep-queries.ts'
import { sweepStore } from './sweep-store.ts'
import { sweepStatements } from './sweep-statements.ts'
import { SWEPT_OPERATIONS } from './swept-operations.ts'

/**
 * A sample of the calls; the note says how many of how many. npm run campaign -- nth-call takes every one with every
 * kind of fault, with and without memory; --level statement every operation, on both stores.
 */
const AT_STATEMENTS: ReadonlySet<string> = new Set(['rotate'])
const AT_QUERIES: ReadonlySet<string> = new Set(['rotate', 'encrypt'])

describe('whichever call to the store fails once, nothing acknowledged is lost and a retry works', () => {
  for (const operation of SWEPT_OPERATIONS) {
    test(operation.name, async (t) => {
      const result = await sweepStore(t, operation)
      t.diagnostic(`note: ${operation.name}, calls that failed once: ${formatCalls(result)}`)
    })
  }
})

for (const kind of FAULT_KINDS) {
  test(`init with each call failing once: ${kind}`, async (t) => {
    const calls = await sweepInit(t, kind)
    assert.ok(calls > 0)
    t.diagnostic(`note: init, calls that failed once: ${kind}: ${calls} of ${calls}`)
  })
}

test('every audited action is swept, or is listed with the reason why not', () => {
  const swept = new Set(SWEPT_OPERATIONS.map(({ action }) => action))
  const listed = AUDIT_ACTIONS.filter((action) => action in NOT_SWEPT)
  assert.deepEqual(
    AUDIT_ACTIONS.filter((action) => !swept.has(action) && NOT_SWEPT[action] === undefined),
    [],
  )
  assert.deepEqual(
    listed.filter((action) => swept.has(action)),
    [],
  )
  assert.deepEqual(
    [...swept].filter((action) => !AUDIT_ACTIONS.some((each) => each === action)),
    [],
  )
})

describe('whichever statement of SQLite fails once, below the whole product', () => {
  for (const operation of SWEPT_OPERATIONS.filter(({ name }) => AT_STATEMENTS.has(name))) {
    test(operation.name, async (t) => {
      const result = await sweepStatements(t, operation)
      t.diagnostic(`note: ${operation.name}, statements that failed once: ${formatCalls(result)}`)
    })
  }
})

describe('whichever statement to PostgreSQL fails once', { skip: POSTGRES_18.skip }, () => {
  const server = new PostgresServer()
  before(() => server.start())
  after(() => server.remove())

  for (const operation of SWEPT_OPERATIONS.filter(({ name }) => AT_QUERIES.has(name))) {
    test(operation.name, async (t) => {
      const result = await sweepQueries(server, operation)
      t.diagnostic(`note: ${operation.name}, statements that failed once: ${formatCalls(result)}`)
    })
  }
})
