import { randomUUID } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { firstVersion } from '../src/keyring/rotation.ts'
import { toInstant } from '../src/model/clock.ts'
import { DEFAULT_TENANT, parseKeyId, parseKeyName, parseVersionNumber } from '../src/model/ids.ts'
import type { Key } from '../src/model/key.ts'
import { toWrapped } from '../src/model/wrapped.ts'
import { openSqliteStore } from '../src/store/sqlite/open-sqlite-store.ts'
import type { AuditHead, StoredAuditRecord } from '../src/store/store.ts'

// The store against prepared statements on bare node:sqlite with the same tables, pragmas and disk, in
// alternating rounds. What is compared is the work per record, so both write a record and move the head.

const ROUNDS = 7
const KEYS = 1_000
const BODY = `{"body":"${'x'.repeat(288)}"}` // 300 bytes: a usual audit record
const LEAF_HASH = new Uint8Array(32).fill(7)

interface Run {
  readonly count: number
  readonly run: () => Promise<void> | void
}

const folder = await mkdtemp(join(tmpdir(), 'coffre-bench-'))
const store = await openSqliteStore({ folder })
const names = Array.from({ length: KEYS }, (_, index) => parseKeyName(`key-${index}`))
await store.transaction(async (tx) => {
  for (const name of names) {
    await tx.insertKey(sampleKey(name), new Map([[parseVersionNumber(1), toWrapped(new Uint8Array(92))]]))
  }
})
const bare = openBare(join(folder, 'bare.db'))

const RUNS: Readonly<Record<string, Run>> = {
  'bare, 1 per commit': bareAppend(1, 200),
  'store, 1 per commit': storeAppend(1, 200),
  'bare, 10 per commit': bareAppend(10, 100),
  'store, 10 per commit': storeAppend(10, 100),
  'bare, 100 per commit': bareAppend(100, 50),
  'store, 100 per commit': storeAppend(100, 50),
  'bare, 1000 per commit': bareAppend(1_000, 5),
  'store, 1000 per commit': storeAppend(1_000, 5),
  'bare, find key': { count: 2_000, run: () => repeat(2_000, bareFindKey) },
  'store, find key': { count: 2_000, run: storeFindKeys },
}

function sampleKey(name: Key['name']): Key {
  const now = toInstant(Date.now())
  return {
    id: parseKeyId(randomUUID()),
    tenant: DEFAULT_TENANT,
    name,
    algorithm: 'aes256-gcm',
    purpose: 'encrypt',
    labels: { description: '', owner: '', environment: '', securityLevel: 'high', tags: {} },
    createdAt: now,
    updatedAt: now,
    epoch: 0,
    floor: parseVersionNumber(1),
    versions: [firstVersion({ now })],
  }
}

function makeRecords(from: number, count: number): readonly StoredAuditRecord[] {
  return Array.from({ length: count }, (_, position) => ({
    index: from + position,
    body: BODY,
    leafHash: LEAF_HASH,
  }))
}

function makeHead(size: number): AuditHead {
  const ones = size.toString(2).replaceAll('0', '').length
  return { size, rootHash: LEAF_HASH, frontier: new Uint8Array(32 * ones) }
}

function storeAppend(perCommit: number, commits: number): Run {
  const run = async (): Promise<void> => {
    let { size } = await store.readAuditHead()
    for (let commit = 0; commit < commits; commit += 1) {
      const records = makeRecords(size, perCommit)
      size += perCommit
      await store.transaction((tx) => tx.appendAudit(records, makeHead(size)))
    }
  }
  return { count: perCommit * commits, run }
}

function openBare(path: string) {
  const database = new DatabaseSync(path)
  for (const setting of ['journal_mode = wal', 'synchronous = full', 'secure_delete = on']) {
    database.exec(`pragma ${setting}`)
  }
  database.exec(`
    create table record (idx integer primary key not null, body text not null, leaf_hash blob not null) strict;
    create table head (id integer primary key, size integer, root_hash blob, frontier blob) strict;
    insert into head values (1, 0, x'', x'');
    attach '${join(folder, 'coffre.db')}' as stored`)
  return {
    database,
    insert: database.prepare('insert into record values (?, ?, ?)'),
    moveHead: database.prepare('update head set size = ?, root_hash = ?, frontier = ? where id = 1'),
    find: database.prepare(`select * from stored."key" k left join stored.key_version v on v.key_id = k.id
      where k.tenant = ? and k.name = ? order by v.version`),
  }
}

let bareSize = 0

function bareAppend(perCommit: number, commits: number): Run {
  const commit = (): void => {
    const records = makeRecords(bareSize, perCommit)
    bareSize += perCommit
    const head = makeHead(bareSize)
    bare.database.exec('begin immediate')
    for (const { index, body, leafHash } of records) bare.insert.run(index, body, leafHash)
    bare.moveHead.run(head.size, head.rootHash, head.frontier)
    bare.database.exec('commit')
  }
  return { count: perCommit * commits, run: () => repeat(commits, commit) }
}

function repeat(times: number, step: (round: number) => void): void {
  for (let round = 0; round < times; round += 1) step(round)
}

function bareFindKey(round: number): void {
  bare.find.all(DEFAULT_TENANT, names[round % KEYS]!)
}

async function storeFindKeys(): Promise<void> {
  for (let round = 0; round < 2_000; round += 1) await store.findKey(DEFAULT_TENANT, names[round % KEYS]!)
}

async function measure(): Promise<ReadonlyMap<string, number>> {
  const rates = new Map<string, number[]>()
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const [name, { count, run }] of Object.entries(RUNS)) {
      const start = performance.now()
      await run()
      const rate = (count * 1_000) / (performance.now() - start)
      rates.set(name, [...(rates.get(name) ?? []), rate])
    }
  }
  return new Map(Array.from(rates, ([name, all]) => [name, median(all)]))
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!
}

try {
  const rates = await measure()
  for (const [name, rate] of rates) {
    const bareRate = rates.get(name.replace('store,', 'bare,'))!
    const ratio = name.startsWith('store') ? `  ${(rate / bareRate).toFixed(2)} of bare` : ''
    console.log(`${name.padEnd(24)} ${Math.round(rate).toLocaleString('en').padStart(9)} /s${ratio}`)
  }
} finally {
  bare.database.close()
  await store.close()
  await rm(folder, { recursive: true })
}
