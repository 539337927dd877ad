import type { Measured, TableMeasure } from '../../backup-source.ts'
import { sumTables, WRAP } from '../sum-tables.ts'
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

/** Tables, rows, and their content. It reads everything. Of two databases that answer the same, one is a copy of the other. */
export async function measureDatabase({ ask }: Questions): Promise<Measured> {
  await ask(SAME_TEXT)
  const tables: TableMeasure[] = []
  for (const { name } of await ask(TABLES)) {
    const [found] = await ask(
      `select count(*) as rows,
        mod(coalesce(sum(('x' || left(md5(t::text), 12))::bit(48)::bigint), 0), ${WRAP}) as checksum from only ${name} t`,
    )
    tables.push({ name: name ?? '', rows: Number(found?.['rows']), checksum: Number(found?.['checksum']) })
  }
  return sumTables(tables)
}
