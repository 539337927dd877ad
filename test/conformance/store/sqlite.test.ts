import { execFileSync } from 'node:child_process'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openSqliteStore } from '../../../src/store/sqlite/open-sqlite-store.ts'
import { testStore } from './suite.ts'

testStore('SQLite', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'coffre-store-'))
  return {
    open: () => openSqliteStore({ folder }),
    readEverything: () => readDatabaseFiles(folder),
    remove: () => rm(folder, { recursive: true }),
  }
})

/**
 * In a process of its own: closing a descriptor of the database here would drop the POSIX locks of the
 * store under test.
 */
async function readDatabaseFiles(folder: string): Promise<Buffer> {
  const names = (await readdir(folder)).filter((name) => name.startsWith('coffre.db'))
  return execFileSync('cat', names, { cwd: folder, maxBuffer: 64 * 1024 * 1024 })
}
