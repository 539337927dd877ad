import { CoffreError, hasCode } from '../../src/model/errors.ts'
import { DEFAULT_TENANT, parseKeyName } from '../../src/model/ids.ts'
import { openSqliteStore } from '../../src/store/sqlite/open-sqlite-store.ts'
import type { Store } from '../../src/store/store.ts'
import { sampleHead, sampleKey, sampleRecords, storeKey, versionNumber } from '../conformance/store/sample.ts'

/** The processes that store-kill.test.ts kills and store-disk-full.test.ts starves. */
const TASKS: Readonly<Record<string, (folder: string) => Promise<void>>> = {
  count,
  fill,
  'open-as-nobody': openAsNobody,
}

const COUNTER = parseKeyName('counter')

/** Ten uses and one audit record per transaction, for ever; prints the total after each commit. */
async function count(folder: string): Promise<void> {
  const store = await openSqliteStore({ folder })
  const key =
    (await store.findKey(DEFAULT_TENANT, COUNTER)) ?? (await storeKey(store, sampleKey({ name: COUNTER })))
  for (;;) {
    const total = await store.transaction(async (tx) => {
      const { size } = await tx.readAuditHead()
      await tx.appendAudit(sampleRecords(size, 1), sampleHead(size + 1))
      return await tx.reserveUses(key.id, versionNumber(1), 10)
    })
    process.stdout.write(`${total}\n`)
  }
}

/**
 * Writes until the disk is full, says what failed and what is still there, and waits for a line on stdin,
 * then says whether writing goes on.
 */
async function fill(folder: string): Promise<void> {
  const store = await openSqliteStore({ folder })
  const key = await storeKey(store, sampleKey({ name: COUNTER }))
  const { committed, error } = await fillUp(store)
  const refusals = await Promise.allSettled([append(store, committed), append(store, committed)])
  const found = await store.findKeyById(key.id)
  const report = {
    committed,
    unavailable: hasCode(error, 'STORE_UNAVAILABLE'),
    stillRefused: refusals.every(
      (each) => each.status === 'rejected' && hasCode(each.reason, 'STORE_UNAVAILABLE'),
    ),
    readsGoOn: found !== undefined && (await store.readAuditHead()).size === committed,
    records: (await store.readAuditRecords(0, committed + 1)).length,
  }
  process.stdout.write(`${JSON.stringify(report)}\n`)
  await new Promise((resolve) => process.stdin.once('data', resolve))
  process.stdout.write(`${await goesOn(store, committed)}\n`)
  process.exit()
}

/** Gives up root's rights first, which no mode of a file stops. */
async function openAsNobody(folder: string): Promise<void> {
  process.setuid?.(65_534)
  const outcome = await openSqliteStore({ folder }).then(
    () => 'opened',
    (error: unknown) => (error instanceof CoffreError ? error.code : String(error)),
  )
  process.stdout.write(`${outcome}\n`)
}

const RECORDS_PER_APPEND = 50

async function append(store: Store, from: number): Promise<number> {
  const records = sampleRecords(from, RECORDS_PER_APPEND).map((each) => ({
    ...each,
    body: 'x'.repeat(2_000),
  }))
  await store.transaction((tx) => tx.appendAudit(records, sampleHead(from + records.length)))
  return from + records.length
}

const MAX_APPENDS = 10_000

async function fillUp(store: Store): Promise<{ committed: number; error: unknown }> {
  let committed = 0
  try {
    for (let appends = 0; appends < MAX_APPENDS; appends += 1) committed = await append(store, committed)
    return { committed, error: undefined }
  } catch (error) {
    return { committed, error }
  }
}

async function goesOn(store: Store, committed: number): Promise<boolean> {
  return await append(store, committed).then(
    () => true,
    () => false,
  )
}

const [task = '', folder = ''] = process.argv.slice(2)
await TASKS[task]?.(folder)
