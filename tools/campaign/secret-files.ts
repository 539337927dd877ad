import { parseArgs } from 'node:util'
import { killBetweenSteps } from '../../test/recovery/kill-secret-files.ts'
import { raceLinks } from '../../test/recovery/race-links.ts'
import { readNumber } from '../campaign-options.ts'

/** Kills a change of secret files between any two steps, over and over, and races it with links. */
export const usage = ['[--count KILLS] [--rounds RACES]']

export async function run(args: readonly string[]): Promise<number> {
  const text = { type: 'string' } as const
  const { values } = parseArgs({ args: [...args], options: { count: text, rounds: text } })
  const count = readNumber('count', values.count, { absent: 500 })
  const rounds = readNumber('rounds', values.rounds, { absent: 10_000 })
  const total = { kills: 0, old: 0, fresh: 0 }
  while (total.kills < count) {
    const result = await killBetweenSteps({ count: count - total.kills })
    total.kills += result.kills
    total.old += result.old
    total.fresh += result.fresh
    console.log(`  ${total.kills} kills before one of ${result.calls} calls`)
  }
  console.log(`secret-files: ${total.kills} kills, ${total.old} all old, ${total.fresh} all new, no mix`)
  const race = await raceLinks(rounds)
  console.log(
    `secret-files: ${race.rounds} races, ${race.written} written, ${race.refused} refused, no link followed`,
  )
  return 0
}
