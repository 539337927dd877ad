import { parseArgs } from 'node:util'
import { killEnergy } from '../../test/recovery/kill-energy.ts'
import { inKeptFolder, readNumber, readSeed } from '../campaign-options.ts'

/** kill -9 at random moments of the energy example, or of its server. */
export const usage = ['[--count N] [--days N] [--seed N] [--via library|http]']

export async function run(args: readonly string[]): Promise<number> {
  const text = { type: 'string' } as const
  const options = { count: text, days: text, seed: text, via: text }
  const { values } = parseArgs({ args: [...args], options })
  const kills = readNumber('count', values.count, { absent: 10 })
  const days = readNumber('days', values.days, { absent: 365 })
  const seed = readSeed(values.seed)
  const via = values.via === 'http' ? 'http' : 'library'
  console.log(`kill-energy: ${kills} times, via ${via}, ${days} days, seed ${seed}`)
  return inKeptFolder(async (folder) => {
    const tell = (line: string) => console.log(`  ${line}`)
    const { byPhase, summary } = await killEnergy({ kills, days, seed, via, folder, tell })
    console.log(`  by phase ${JSON.stringify(byPhase)}`)
    console.log(
      `  finished: ${summary.documents} documents back, audit of ${summary.auditSize} records verifies`,
    )
  })
}
