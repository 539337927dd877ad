import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { ATTACKS, SEALED_ATTACK } from '../../test/hostile/attacks.ts'
import {
  type Finding,
  type Findings,
  measureUnderAttack,
  measureWhileSealed,
} from '../../test/hostile/under-attack.ts'
import { inKeptFolder, readNumber } from '../campaign-options.ts'

/** Normal requests beside each kind of attack, against the same requests alone right before. */
export const usage = ['[--count N (normal requests for each attack)] [--attack NAME]']

const MAX_RATIO = 3
const MAX_MEBIBYTES = 512

export async function run(args: readonly string[]): Promise<number> {
  const text = { type: 'string' } as const
  const { values } = parseArgs({ args: [...args], options: { count: text, attack: text } })
  const requests = readNumber('count', values.count, { absent: 1_000 })
  const names = [...ATTACKS, SEALED_ATTACK].map(({ name }) => name)
  if (values.attack !== undefined && !names.includes(values.attack)) {
    throw new RangeError(`--attack is one of: ${names.join(', ')}`)
  }
  const chosen = values.attack === undefined ? names : [values.attack]
  const open = chosen.filter((name) => name !== SEALED_ATTACK.name)
  return inKeptFolder(async (folder) => {
    const options = { requests, attackerYields: true }
    if (open.length > 0)
      judge(await measureUnderAttack({ ...options, folder: join(folder, 'open'), names: open }))
    if (chosen.includes(SEALED_ATTACK.name))
      judge(await measureWhileSealed({ ...options, folder: join(folder, 'sealed') }))
  })
}

function judge({ idleMebibytes, attacks }: Findings): void {
  console.log(`warm: ${idleMebibytes} MiB`)
  for (const each of attacks) console.log(describe(each))
  const broken = attacks.filter((each) => each.failed > 0 || each.peakMebibytes > MAX_MEBIBYTES)
  if (broken.length > 0) throw new Error(`not held: ${broken.map(({ attack }) => attack).join(', ')}`)
  const slow = attacks.filter((each) => each.p99 > MAX_RATIO * each.idle.p99)
  if (slow.length > 0)
    console.log(`p99 above ${MAX_RATIO} × idle: ${slow.map(({ attack }) => attack).join(', ')}`)
}

function describe({ attack, idle, median, p99, cost, sent, failed, peakMebibytes }: Finding): string {
  const times = `p99 ${p99.toFixed(1)} ms, idle ${idle.p99.toFixed(1)} (${(p99 / idle.p99).toFixed(1)} ×)`
  const medians = `median ${median.toFixed(1)} and ${idle.median.toFixed(1)}`
  const loop = `loop p99 ${cost.loopP99.toFixed(1)} and ${idle.cost.loopP99.toFixed(1)}, max ${cost.loopMax.toFixed(0)} and ${idle.cost.loopMax.toFixed(0)}`
  const each = (cost.cpuMilliseconds - idle.cost.cpuMilliseconds) / sent
  const work = `${sent} sent, ${each.toFixed(2)} ms of CPU each`
  return `${attack}: ${times}, ${medians}, ${loop}; ${work}; ${failed} failed, peak ${peakMebibytes} MiB`
}
