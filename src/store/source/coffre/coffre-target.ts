import { join } from 'node:path'
import { CoffreError } from '../../../model/errors.ts'
import type { RestoreTarget, SourceFacts } from '../../backup-source.ts'
import { takeLock } from '../../sqlite/folder-lock.ts'
import { makeFolder } from '../../sqlite/folder.ts'
import { postgresTarget, type PostgresTargetOptions } from '../postgres/postgres-target.ts'
import { sqliteTarget } from '../sqlite/sqlite-target.ts'
import { requireCoffreFacts, requireSameCluster } from './coffre-facts.ts'
import { databaseFacts, folderFacts } from './read-facts.ts'

export interface CoffreFolderTargetOptions {
  readonly folder: string
  readonly id: string
  /** Of the same Coffre, and not running; its database is kept under another name. */
  readonly replace?: boolean
  /** Sums up what was restored. */
  readonly measure?: boolean
}

/** A data folder. Its seal key comes from elsewhere: a passphrase, shares, or the recovery sheet. */
export function coffreFolderTarget({ folder, ...options }: CoffreFolderTargetOptions): RestoreTarget {
  const path = join(folder, 'coffre.db')
  const database = sqliteTarget({ ...options, path })
  let release = (): void => undefined
  return {
    kind: 'coffre',
    prepare: async (facts) => {
      requireCoffreFacts(facts, 'sqlite')
      await makeFolder(folder)
      // Until the end: no Coffre may open what is about to be replaced.
      release = await takeLock(join(folder, 'coffre.lock'))
      try {
        if (options.replace === true) await requireSame(() => folderFacts(path, 'RESTORE_REFUSED'), facts)
        await database.prepare(facts)
      } catch (error) {
        release()
        throw error
      }
    },
    receive: (plaintext, signal) => database.receive(plaintext, signal),
    tables: () => database.tables?.() ?? [],
    commit: async () => {
      const facts = await database.commit()
      release()
      return facts
    },
    abandon: async () => {
      await database.abandon()
      release()
    },
  }
}

/** A database of its own on a server. No node of the Coffre may be connected to one that is replaced. */
export function coffrePostgresTarget(options: PostgresTargetOptions): RestoreTarget {
  const database = postgresTarget(options)
  return {
    kind: 'coffre',
    prepare: async (facts) => {
      requireCoffreFacts(facts, 'postgres')
      await database.prepare(facts)
      if (options.replace === true) requireSameCluster(await databaseFacts(options, 'RESTORE_REFUSED'), facts)
    },
    receive: (plaintext, signal) => database.receive(plaintext, signal),
    tables: () => database.tables?.() ?? [],
    commit: () => database.commit(),
    abandon: () => database.abandon(),
  }
}

/** What is there may be nothing, or too damaged to say whose it is: that is what a restore is for. */
async function requireSame(there: () => Promise<SourceFacts>, facts: SourceFacts): Promise<void> {
  const found = await there().catch((error: unknown) => {
    if (error instanceof CoffreError && isNoCoffre(error)) return undefined
    throw error
  })
  if (found !== undefined) requireSameCluster(found, facts)
}

/** No such file, table or database; damaged; or no seal in it (`readCoffreFacts`). */
function isNoCoffre({ code, facts }: CoffreError): boolean {
  if (code === 'BACKUP_SOURCE_FAILED' || facts['reason'] === 'ENOENT') return true
  return [1, 11, 26].includes(Number(facts['sqlite'])) || facts['sqlstate'] === '42P01'
}
