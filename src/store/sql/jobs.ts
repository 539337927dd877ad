import { type Expression, sql } from 'kysely'
import type { JobClaim } from '../store.ts'
import type { SqlEngine } from './engine.ts'
import type { Database } from './schema.ts'

/** Time is the database's own: nodes whose clocks differ agree on when a lease is over. */
export async function claimJob(db: Database, engine: SqlEngine, claim: JobClaim): Promise<boolean> {
  const { name, holder, leaseMs } = claim
  const now = clockOf(engine)
  await db
    .insertInto('job')
    .values({ name, due_at: 0, leased_until: 0, holder: null })
    .onConflict((conflict) => conflict.column('name').doNothing())
    .execute()
  const free = db
    .selectFrom('job')
    .select('name')
    .where('name', '=', name)
    .where('due_at', '<=', now)
    .where('leased_until', '<=', now)
  // Somebody who claims it at this moment has it; there is nothing to wait for.
  const found = await (engine.locksRows ? free.forUpdate().skipLocked() : free).executeTakeFirst()
  if (found === undefined) return false
  await db
    .updateTable('job')
    .set({ holder, leased_until: after(engine, leaseMs) })
    .where('name', '=', name)
    .execute()
  return true
}

export async function renewJob(db: Database, engine: SqlEngine, claim: JobClaim): Promise<boolean> {
  const { name, holder, leaseMs } = claim
  const renewed = await db
    .updateTable('job')
    .set({ leased_until: after(engine, leaseMs) })
    .where('name', '=', name)
    .where('holder', '=', holder)
    .executeTakeFirst()
  return renewed.numUpdatedRows > 0n
}

export async function finishJob(
  db: Database,
  engine: SqlEngine,
  done: { readonly name: string; readonly holder: string; readonly againInMs: number },
): Promise<void> {
  await db
    .updateTable('job')
    .set({ holder: null, leased_until: 0, due_at: after(engine, done.againInMs) })
    .where('name', '=', done.name)
    // Whoever took so long that the lease ended has nothing to give back.
    .where('holder', '=', done.holder)
    .execute()
}

function clockOf(engine: SqlEngine): Expression<number> {
  return sql<number>`${sql.raw(engine.words.now)}`
}

function after(engine: SqlEngine, milliseconds: number): Expression<number> {
  if (!Number.isSafeInteger(milliseconds)) throw new RangeError('not a number of milliseconds')
  return sql<number>`${sql.raw(engine.words.now)} + ${sql.lit(milliseconds)}`
}
