import assert from 'node:assert/strict'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { inspect } from 'node:util'
import { type OpenOptions, openCoffre } from '../src/app.ts'
import type { Coffre } from '../src/model/coffre.ts'
import { CoffreError, type ErrorCode } from '../src/model/errors.ts'

/** What `node:test` gives to a test and to a file: something to run at the end. */
export interface Scope {
  after(work: () => Promise<void> | void): void
}

const folders: string[] = []
process.once('exit', () => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true })
})

/** It goes with the process: hooks run in the order in which they came, and a Coffre still closes in it. */
export function makeFolder(_scope: Scope): string {
  const folder = mkdtempSync(join(tmpdir(), 'coffre-test-'))
  folders.push(folder)
  return folder
}

/** In memory where the system has such a place: for what writes much and proves nothing about the disk. */
export function makeMemoryFolder(scope: Scope): string {
  const place = existsSync('/dev/shm') ? '/dev/shm' : tmpdir()
  const folder = mkdtempSync(join(place, 'coffre-test-'))
  scope.after(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

/** A Coffre of its own in a new folder, or in `options.dataDir`. */
export async function openTemporary(scope: Scope, options: Partial<OpenOptions> = {}): Promise<Coffre> {
  const dataDir = options.dataDir ?? makeFolder(scope)
  const coffre = await openCoffre({ createIfMissing: true, ...options, dataDir })
  scope.after(() => coffre.close())
  return coffre
}

/** For `assert.rejects` and `assert.throws`: a CoffreError of exactly this code. */
export function failsWith(code: ErrorCode): (error: unknown) => true {
  return (error) => {
    assert.ok(error instanceof CoffreError, inspect(error))
    assert.equal(error.code, code, inspect(error))
    return true
  }
}

/** Runs SQL on the file of a closed store. */
export function changeStore(folder: string, change: (database: DatabaseSync) => void): void {
  const database = new DatabaseSync(join(folder, 'coffre.db'), { enableForeignKeyConstraints: false })
  try {
    change(database)
  } finally {
    database.close()
  }
}
