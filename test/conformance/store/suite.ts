import { describe } from 'node:test'
import type { Store } from '../../../src/store/store.ts'
import { testAccess } from './access-cases.ts'
import { testAudit } from './audit-cases.ts'
import { testBackups } from './backup-cases.ts'
import { testChanges } from './change-cases.ts'
import { testJobs } from './job-cases.ts'
import { testKeys } from './key-cases.ts'
import { testKeyChanges } from './key-change-cases.ts'
import { testLoginRoles } from './login-role-cases.ts'
import { testSessionRevocations } from './session-cases.ts'
import { testTransactions } from './transaction-cases.ts'
import { testUsers } from './user-cases.ts'

/** One store that outlives its connections. */
export interface StoreUnderTest {
  /** Opens it, or opens it again after `close`. */
  open(): Promise<Store>
  /** Every byte that it keeps outside memory, while it is open. */
  readEverything(): Promise<Buffer>
  remove(): Promise<void>
}

/** Runs `check` on a new store and removes it. */
export type WithStore = (check: (store: Store, under: StoreUnderTest) => Promise<void>) => Promise<void>

/** Every promise of src/store/store.ts. A new store adds one file that calls this. */
export function testStore(name: string, make: () => Promise<StoreUnderTest>): void {
  const withStore: WithStore = async (check) => {
    const under = await make()
    const store = await under.open()
    try {
      await check(store, under)
    } finally {
      await store.close()
      await under.remove()
    }
  }
  describe(`${name} keeps the contract of a store`, () => {
    describe('keys', () => testKeys(withStore))
    describe('changes of keys', () => testKeyChanges(withStore))
    describe('transactions', () => testTransactions(withStore))
    describe('tokens and seal slots', () => testAccess(withStore))
    describe('login roles', () => testLoginRoles(withStore))
    describe('session revocations', () => testSessionRevocations(withStore))
    describe('users', () => testUsers(withStore))
    describe('audit', () => testAudit(withStore))
    describe('changes', () => testChanges(withStore))
    describe('jobs', () => testJobs(withStore))
    describe('scheduled backups', () => testBackups(withStore))
  })
}
