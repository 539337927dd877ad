import { type Instant, toInstant } from '../../model/clock.ts'
import type { KeyId } from '../../model/ids.ts'
import { isRevocationKind, type SessionRevocationRow } from '../../model/session.ts'
import type { Database, SessionRevocationTable } from './schema.ts'
import { parseStored } from './stored-row.ts'

export async function listSessionRevocations(
  db: Database,
  key: KeyId,
): Promise<readonly SessionRevocationRow[]> {
  const rows = await db
    .selectFrom('session_revocation')
    .selectAll()
    .where('key_id', '=', key)
    .orderBy('kind')
    .orderBy('subject')
    .execute()
  return rows.map((row) => parseStored('session_revocation', () => toRevocation(row)))
}

/** What was revoked for longer, or up to a later moment, stays so. */
export async function putSessionRevocation(
  db: Database,
  key: KeyId,
  { kind, subject, before, until }: SessionRevocationRow,
): Promise<void> {
  const at = await db
    .selectFrom('session_revocation')
    .selectAll()
    .where('key_id', '=', key)
    .where('kind', '=', kind)
    .where('subject', '=', subject)
    .executeTakeFirst()
  const latest = {
    before_at: Math.max(before, at?.before_at ?? 0),
    until_at: Math.max(until, at?.until_at ?? 0),
  }
  await db
    .insertInto('session_revocation')
    .values({ key_id: key, kind, subject, ...latest })
    .onConflict((conflict) => conflict.columns(['key_id', 'kind', 'subject']).doUpdateSet(latest))
    .execute()
}

/** Answers how many there were. */
export async function pruneSessionRevocations(db: Database, now: Instant): Promise<number> {
  const pruned = await db.deleteFrom('session_revocation').where('until_at', '<=', now).executeTakeFirst()
  return Number(pruned.numDeletedRows)
}

function toRevocation(row: SessionRevocationTable): SessionRevocationRow {
  const { kind, subject } = row
  if (!isRevocationKind(kind)) throw new TypeError('not a revocation')
  return { kind, subject, before: toInstant(row.before_at), until: toInstant(row.until_at) }
}
