import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { killEnergy } from '../test/recovery/kill-energy.ts'

/*
 * npm run campaign -- kill --count 10              kill -9 at ten random moments of the energy example
 * npm run campaign -- kill --count 10 --via http   of its server; also --days N and --seed N
 *
 * Longer than a test may take. The seed is printed: the same one aims at the same moments.
 */
const MAX_SEED = 2 ** 31

async function main(args: readonly string[]): Promise<number> {
  const text = { type: 'string' } as const
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: { count: text, days: text, seed: text, via: text },
  })
  const via = values.via ?? 'library'
  if (positionals.join(' ') !== 'kill' || (via !== 'library' && via !== 'http')) {
    console.error('npm run campaign -- kill [--count N] [--days N] [--seed N] [--via library|http]')
    return 2
  }
  const kills = Number(values.count ?? 10)
  const days = Number(values.days ?? 365)
  const seed = Number(values.seed ?? Math.floor(Math.random() * MAX_SEED))
  console.log(`kill: ${kills} times, via ${via}, ${days} days, seed ${seed}`)
  return runKills({ kills, days, seed, via })
}

async function runKills(choice: { kills: number; days: number; seed: number; via: 'library' | 'http' }) {
  const folder = mkdtempSync(join(tmpdir(), 'coffre-campaign-'))
  try {
    const { byPhase, summary } = await killEnergy({
      ...choice,
      folder,
      tell: (text) => console.log(`  ${text}`),
    })
    console.log(`  by phase ${JSON.stringify(byPhase)}`)
    console.log(
      `  finished: ${summary.documents} documents back, audit of ${summary.auditSize} records verifies`,
    )
    rmSync(folder, { recursive: true })
    return 0
  } catch (error) {
    console.error(error)
    console.error(`kept for a look: ${folder}`)
    return 1
  }
}

process.exitCode = await main(process.argv.slice(2))
