import { join } from 'node:path'
import { parseArgs } from 'node:util'
import {
  flipCopy,
  flipDatabase,
  makeSignedLog,
  moveRecords,
  type Tally,
  type TamperPlace,
  verifyClean,
} from '../../test/recovery/audit-tamper.ts'
import { inKeptFolder, readNumber } from '../campaign-options.ts'

/** Every bit of a log of 100 records and of the copy of its checkpoints, every move of a record, and clean logs. */
export const usage = ['[--records N] [--step N] [--count N]']

export async function run(args: readonly string[]): Promise<number> {
  const text = { type: 'string' } as const
  const { values } = parseArgs({ args: [...args], options: { records: text, step: text, count: text } })
  const records = readNumber('records', values.records, { absent: 100 })
  const step = readNumber('step', values.step, { absent: 1 })
  const clean = readNumber('count', values.count, { absent: 1_000 })
  let missed = 0
  const tell = (name: string, tally: Tally) => {
    missed += tally.missed.length
    console.log(`  ${name}: ${tally.tried} tried, ${tally.missed.length} wrong`)
    for (const each of tally.missed.slice(0, 10)) console.log(`    ${each}`)
  }
  const code = await inKeptFolder(async (folder) => {
    const place = { dataDir: join(folder, 'data'), checkpointFile: join(folder, 'checkpoints') }
    const size = await makeSignedLog(place, records)
    console.log(`audit: ${size} records, every ${step}. bit, ${clean} clean logs`)
    tell('moved records', await moveRecords(place, size))
    tell('bits of the copy', await flipCopy(place, step))
    tell('clean logs', await verifyClean(makeClean(folder, clean)))
    tell('bits of the database', await flipDatabase(place, step, (line) => console.log(`    ${line}`)))
  })
  return missed > 0 ? 1 : code
}

async function* makeClean(folder: string, count: number): AsyncGenerator<TamperPlace> {
  for (let made = 0; made < count; made += 1) {
    const place = {
      dataDir: join(folder, `clean-${made}`),
      checkpointFile: join(folder, `clean-${made}.txt`),
    }
    await makeSignedLog(place, 5 + (made % 40))
    yield place
  }
}
