import type { Instant } from '../../model/clock.ts'
import type { Database } from './schema.ts'

export async function findWrappingCheck(db: Database, name: string): Promise<string | undefined> {
  const row = await db
    .selectFrom('wrapping_check')
    .select('value')
    .where('name', '=', name)
    .executeTakeFirst()
  return row?.value
}

export async function storeWrappingCheck(
  db: Database,
  check: { readonly name: string; readonly value: string; readonly at: Instant },
): Promise<void> {
  const { name, value, at } = check
  await db
    .insertInto('wrapping_check')
    .values({ name, value, created_at: at })
    .onConflict((conflict) => conflict.column('name').doUpdateSet({ value, created_at: at }))
    .execute()
}
