import type { SourceCounts } from '../../backup-source.ts'
import type { Questions } from './connection.ts'

const TABLES = `select quote_ident(n.nspname) || '.' || quote_ident(c.relname) as name
  from pg_class c join pg_namespace n on n.oid = c.relnamespace
  where c.relkind = 'r' and c.relpersistence <> 't'
    and n.nspname <> 'information_schema' and n.nspname !~ '^pg_'
    and not exists (select from pg_depend d where d.objid = c.oid and d.classid = 'pg_class'::regclass and d.deptype = 'e')
  order by n.nspname collate "C", c.relname collate "C"`

/** How values look as text must not depend on who asks. */
const SAME_TEXT = `set datestyle = 'ISO, YMD'; set intervalstyle = postgres; set extra_float_digits = 1;
  set bytea_output = hex; set row_security = off`

/** FNV-1a. A sum to compare two databases by, not one that withstands an attacker. */
const OFFSET = 0xcbf29ce484222325n
const PRIME = 0x100000001b3n
const WORD = 2n ** 64n - 1n
const SAFE = 2n ** 53n - 1n

/**
 * Tables, rows, and one number over the content of all of them, whatever the order of their rows. It reads everything. Of two
 * databases that answer the same, one is a copy of the other.
 */
export async function measureDatabase({ ask }: Questions): Promise<SourceCounts> {
  await ask(SAME_TEXT)
  let rows = 0
  let sum = OFFSET
  const tables = await ask(TABLES)
  for (const { name } of tables) {
    const [found] = await ask(
      `select count(*) as rows, coalesce(sum(('x' || left(md5(t::text), 12))::bit(48)::bigint), 0)::text as sum
        from only ${name} t`,
    )
    rows += Number(found?.['rows'])
    sum = add(sum, `${name}:${found?.['rows']}:${found?.['sum']}\n`)
  }
  return { tables: tables.length, rows, checksum: Number(sum & SAFE) }
}

function add(sum: bigint, text: string): bigint {
  return Buffer.from(text).reduce((before, byte) => ((before ^ BigInt(byte)) * PRIME) & WORD, sum)
}
