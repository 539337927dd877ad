import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import { DEFAULT_TENANT, parseKeyName } from '../../src/model/ids.ts'
import { openSqliteStore } from '../../src/store/sqlite/open-sqlite-store.ts'
import { sampleHead, sampleRecords, versionNumber } from '../conformance/store/sample.ts'

const ROUNDS = 15
const USES_PER_COMMIT = 10

test('kill -9 at any moment loses no commit that was answered and keeps no half of one', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'coffre-kill-'))
  t.after(() => rm(folder, { recursive: true }))
  let answered = 0
  for (let round = 0; round < ROUNDS; round += 1) {
    // Another count each time, so that the kill falls at another place of the log.
    const total = await countUntilKilled(folder, 1 + round * 13)
    assert.ok(total > answered, 'the child should have gone on where the last one died')
    answered = total
    await checkStore(folder, answered)
  }
})

/** Answers the last total that the child printed. */
async function countUntilKilled(folder: string, commits: number): Promise<number> {
  const path = join(import.meta.dirname, 'store-child.ts')
  const child = spawn(process.execPath, [path, 'count', folder], { stdio: ['ignore', 'pipe', 'inherit'] })
  const gone = once(child, 'close')
  const printed = readUntil(child, commits)
  await gone
  return await printed
}

async function readUntil(child: ChildProcess, commits: number): Promise<number> {
  assert.ok(child.stdout)
  let output = ''
  for await (const chunk of child.stdout) {
    output += String(chunk)
    if (output.split('\n').length > commits) child.kill('SIGKILL')
  }
  // The kill may cut the last line.
  return Number(output.split('\n').at(-2))
}

async function checkStore(folder: string, answered: number): Promise<void> {
  const store = await openSqliteStore({ folder })
  try {
    const key = await store.findKey(DEFAULT_TENANT, parseKeyName('counter'))
    assert.ok(key)
    const total = await store.transaction((tx) => tx.reserveUses(key.id, versionNumber(1), 0))
    assert.ok(total === answered || total === answered + USES_PER_COMMIT, `${total} after ${answered}`)
    const size = total / USES_PER_COMMIT
    assert.deepEqual(await store.readAuditHead(), sampleHead(size))
    assert.deepEqual(await store.readAuditRecords(0, size + 1), sampleRecords(0, size))
  } finally {
    await store.close()
  }
  const database = new DatabaseSync(join(folder, 'coffre.db'), { readOnly: true })
  assert.equal(database.prepare('pragma integrity_check').get()?.['integrity_check'], 'ok')
  database.close()
}
