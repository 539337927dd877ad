import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { ATTACKS } from '../../test/hostile/attacks.ts'
import {
  type Finding,
  type Findings,
  measureUnderAttack,
  measureWhileSealed,
} from '../../test/hostile/under-attack.ts'
import { inKeptFolder, readNumber } from '../campaign-options.ts'

/** Normal requests beside each kind of attack, against the same requests alone in the same run. */
export const usage = ['[--count N (normal requests for each attack)] [--attack NAME]']

const MAX_RATIO = 3
const MAX_MEBIBYTES = 512

export async function run(args: readonly string[]): Promise<number> {
  const text = { type: 'string' } as const
  const { values } = parseArgs({ args: [...args], options: { count: text, attack: text } })
  const requests = readNumber('count', values.count, { absent: 1_000 })
  if (values.attack !== undefined && !ATTACKS.some(({ name }) => name === values.attack)) {
    throw new RangeError(`--attack is one of: ${ATTACKS.map(({ name }) => name).join(', ')}`)
  }
  return inKeptFolder(async (folder) => {
    const only = values.attack === undefined ? {} : { names: [values.attack] }
    judge(await measureUnderAttack({ folder: join(folder, 'open'), requests, ...only }))
    if (values.attack === undefined)
      judge(await measureWhileSealed({ folder: join(folder, 'sealed'), requests }))
  })
}

function judge({ idle, idleMebibytes, attacks }: Findings): void {
  console.log(
    `idle: median ${idle.median.toFixed(2)} ms, p99 ${idle.p99.toFixed(2)} ms, ${idleMebibytes} MiB`,
  )
  for (const each of attacks) console.log(describe(each, idle.p99))
  const broken = attacks.filter((each) => each.failed > 0 || each.peakMebibytes > MAX_MEBIBYTES)
  if (broken.length > 0) throw new Error(`not held: ${broken.map(({ attack }) => attack).join(', ')}`)
  const slow = attacks.filter((each) => each.p99 > MAX_RATIO * idle.p99)
  if (slow.length > 0)
    console.log(`p99 above ${MAX_RATIO} × idle: ${slow.map(({ attack }) => attack).join(', ')}`)
}

function describe(finding: Finding, idle: number): string {
  const { attack, median, p99, sent, failed, peakMebibytes } = finding
  const figures = `median ${median.toFixed(2)} ms, p99 ${p99.toFixed(2)} ms (${(p99 / idle).toFixed(1)} × idle)`
  return `${attack}: ${figures}, ${failed} failed, peak ${peakMebibytes} MiB, ${sent} sent`
}
