import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { type ColumnTally, flipCopy, flipDatabase } from '../../test/recovery/audit-flip.ts'
import {
  makeSignedLog,
  moveRecords,
  type Tally,
  type TamperPlace,
  verifyClean,
} from '../../test/recovery/audit-tamper.ts'
import { inKeptFolder, readNumber } from '../campaign-options.ts'

/**
 * Every bit of a log of 100 records, of the hashes stored for proofs from a longer one and of the copy of its
 * checkpoints, every move of a record, and clean logs.
 */
export const usage = ['[--records N] [--step N] [--count N]']

const RECORD_TABLES = ['audit_head', 'audit_checkpoint', 'audit_record']
/** A hash is stored for each 256 records. */
const NODE_RECORDS = 1_040

type Tell = (name: string, tally: Tally) => void

export async function run(args: readonly string[]): Promise<number> {
  const text = { type: 'string' } as const
  const { values } = parseArgs({ args: [...args], options: { records: text, step: text, count: text } })
  const records = readNumber('records', values.records, { absent: 100 })
  const step = readNumber('step', values.step, { absent: 1 })
  const clean = readNumber('count', values.count, { absent: 1_000 })
  let missed = 0
  const tell: Tell = (name, tally) => {
    missed += tally.missed.length
    console.log(`  ${name}: ${tally.tried} tried, ${tally.missed.length} wrong`)
    for (const each of tally.missed.slice(0, 10)) console.log(`    ${each}`)
  }
  const code = await inKeptFolder(async (folder) => {
    const place = { dataDir: join(folder, 'data'), checkpointFile: join(folder, 'checkpoints') }
    const size = await makeSignedLog(place, { records, every: Math.ceil(records / 2) })
    console.log(`audit: ${size} records, every ${step}. bit, ${clean} clean logs`)
    tell('moved records', await moveRecords(place, size))
    tell('bits of the copy', await flipCopy(place, step))
    tell('clean logs', await verifyClean(makeClean(folder, clean)))
    const long = { dataDir: join(folder, 'long'), checkpointFile: join(folder, 'long-checkpoints') }
    await makeSignedLog(long, { records: NODE_RECORDS, every: NODE_RECORDS / 2 })
    tellColumns(tell, await flipDatabase(long, { step, tables: ['audit_node'] }))
    tellColumns(tell, await flipDatabase(place, { step, tables: RECORD_TABLES }))
  })
  return missed > 0 ? 1 : code
}

function tellColumns(tell: Tell, columns: readonly ColumnTally[]): void {
  for (const each of columns) {
    const replaced = each.replaced === 0 ? '' : `, ${each.replaced} onto the key of another row`
    const empty = each.empty === 0 ? '' : `, NULL in ${each.empty} rows`
    tell(`bits of ${each.column}${replaced}${empty}`, each)
  }
}

async function* makeClean(folder: string, count: number): AsyncGenerator<TamperPlace> {
  for (let made = 0; made < count; made += 1) {
    const place = {
      dataDir: join(folder, `clean-${made}`),
      checkpointFile: join(folder, `clean-${made}.txt`),
    }
    await makeSignedLog(place, { records: 5 + (made % 40) })
    yield place
  }
}
