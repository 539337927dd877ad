import { join } from 'node:path'
import type { BackupSource } from '../../backup-source.ts'
import { postgresSource, type PostgresSourceOptions } from '../postgres/postgres-source.ts'
import { sqliteSource } from '../sqlite/sqlite-source.ts'
import { databaseFacts, folderFacts } from './read-facts.ts'

/*
 * A Coffre's own store: the database with its wrapped keys, users, policies and audit log. Neither a seal key nor a
 * passphrase is in it, and the file `seal.key` of a data folder is not read.
 */

/** Also under a running server. */
export function coffreFolderSource(
  folder: string,
  { measure = false }: { readonly measure?: boolean } = {},
): BackupSource {
  const path = join(folder, 'coffre.db')
  const database = sqliteSource({ path, measure })
  return {
    ...database,
    kind: 'coffre',
    describe: async () => ({
      ...(await database.describe()),
      ...(await folderFacts(path, 'BACKUP_SOURCE_FAILED')),
    }),
  }
}

export function coffrePostgresSource(options: Omit<PostgresSourceOptions, 'format'>): BackupSource {
  const database = postgresSource(options)
  return {
    ...database,
    kind: 'coffre',
    describe: async () => ({
      ...(await database.describe()),
      ...(await databaseFacts(options, 'BACKUP_SOURCE_FAILED')),
    }),
  }
}
