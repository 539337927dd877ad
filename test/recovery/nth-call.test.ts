import { describe, test } from 'node:test'
import { sweepStore } from './sweep-store.ts'
import { SWEPT_OPERATIONS } from './swept-operations.ts'

describe('whichever call to the store fails once, nothing acknowledged is lost and a retry works', () => {
  for (const operation of SWEPT_OPERATIONS) {
    test(operation.name, async (t) => {
      const { calls } = await sweepStore(t, operation)
      t.diagnostic(`note: ${operation.name}, each call failed once: ${JSON.stringify(calls)}`)
    })
  }
})
