import { describe, test } from 'node:test'
import { formatCalls } from './nth-call.ts'
import { sweepStore } from './sweep-store.ts'
import { sweepStatements } from './sweep-statements.ts'
import { SWEPT_OPERATIONS } from './swept-operations.ts'

/**
 * A sample of the calls; the note says how many of how many. npm run campaign -- nth-call takes every one with every
 * kind of fault, with and without memory; --level statement every operation.
 */
const AT_STATEMENTS: ReadonlySet<string> = new Set(['rotate'])

describe('whichever call to the store fails once, nothing acknowledged is lost and a retry works', () => {
  for (const operation of SWEPT_OPERATIONS) {
    test(operation.name, async (t) => {
      const result = await sweepStore(t, operation)
      t.diagnostic(`note: ${operation.name}, calls that failed once: ${formatCalls(result)}`)
    })
  }
})

describe('whichever statement of SQLite fails once, below the whole product', () => {
  for (const operation of SWEPT_OPERATIONS.filter(({ name }) => AT_STATEMENTS.has(name))) {
    test(operation.name, async (t) => {
      const result = await sweepStatements(t, operation)
      t.diagnostic(`note: ${operation.name}, statements that failed once: ${formatCalls(result)}`)
    })
  }
})
