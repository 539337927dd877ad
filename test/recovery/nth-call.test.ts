import { describe, test } from 'node:test'
import { sweepStore } from './sweep-store.ts'
import { sweepStatements } from './sweep-statements.ts'
import { SWEPT_OPERATIONS } from './swept-operations.ts'

/** npm run campaign -- nth-call takes every kind, with and without memory; --level statement every operation. */
const AT_STATEMENTS: ReadonlySet<string> = new Set(['rotate'])

describe('whichever call to the store fails once, nothing acknowledged is lost and a retry works', () => {
  for (const operation of SWEPT_OPERATIONS) {
    test(operation.name, async (t) => {
      const { calls } = await sweepStore(t, operation)
      t.diagnostic(`note: ${operation.name}, each call failed once: ${JSON.stringify(calls)}`)
    })
  }
})

describe('whichever statement of SQLite fails once, below the whole product', () => {
  for (const operation of SWEPT_OPERATIONS.filter(({ name }) => AT_STATEMENTS.has(name))) {
    test(operation.name, async (t) => {
      const { calls } = await sweepStatements(t, operation)
      t.diagnostic(`note: ${operation.name}, each statement failed once: ${JSON.stringify(calls)}`)
    })
  }
})
