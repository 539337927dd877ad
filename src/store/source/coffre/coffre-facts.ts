import { AUDIT_KEY_NAME, SYSTEM_TENANT } from '../../../model/ids.ts'
import { newestSchema } from '../../sql/migration/migrations.ts'
import type { SourceFacts } from '../../backup-source.ts'
import { restoreRefused, sourceFailed } from '../reasons.ts'

export type CoffreStore = 'sqlite' | 'postgres'

/** Answers one row; every column is text or absent. */
export type AskRow = (sql: string) => Promise<Readonly<Record<string, unknown>>>

/**
 * What is needed beside the backup to have the Coffre again: what unseals it, and where it goes. The name of the log is the
 * name of the Coffre; it never changes.
 */
export async function readCoffreFacts(ask: AskRow, store: CoffreStore): Promise<SourceFacts> {
  const { schema } = await ask('select max(number) as schema from migration')
  const { id } = await ask(
    `select (select id from "key" where tenant = '${SYSTEM_TENANT}' and name = '${AUDIT_KEY_NAME}') as id`,
  )
  const seals = await askAll(ask)
  if (seals.length === 0) throw sourceFailed({ reason: 'there is no Coffre in it' })
  return {
    store,
    schema: Number(schema),
    seals: seals.join(', '),
    ...(typeof id === 'string' ? { cluster: `coffre/${id}` } : {}),
  }
}

/** Throws RESTORE_REFUSED for the facts of another kind of store, or of a newer Coffre. */
export function requireCoffreFacts(facts: SourceFacts, store: CoffreStore): void {
  if (facts['store'] !== store)
    throw restoreRefused({
      reason: `this is a Coffre in ${facts['store'] ?? 'nothing known'}`,
      needed: store,
    })
  const schema = Number(facts['schema'])
  const newest = newestSchema()
  if (!(schema <= newest)) throw restoreRefused({ reason: 'a newer Coffre wrote it', schema, newest })
}

/** Throws RESTORE_REFUSED when there is another Coffre than that of the backup. */
export function requireSameCluster(there: SourceFacts, facts: SourceFacts): void {
  if (there['cluster'] === facts['cluster']) return
  throw restoreRefused({
    reason: 'there is another Coffre than that of the backup',
    there: there['cluster'] ?? 'unnamed',
    backup: facts['cluster'] ?? 'unnamed',
  })
}

async function askAll(ask: AskRow): Promise<readonly string[]> {
  const names: string[] = []
  for (;;) {
    const after = names.at(-1) ?? ''
    const { provider } = await ask(
      `select min(provider) as provider from seal_slot where provider > '${after.replaceAll("'", "''")}'`,
    )
    if (typeof provider !== 'string') return names
    names.push(provider)
  }
}
