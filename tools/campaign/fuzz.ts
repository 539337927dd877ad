import { parseArgs } from 'node:util'
import { checkSeeds, fuzz } from '../../test/fuzz/fuzz.ts'
import { makeFuzzedParsers } from '../../test/fuzz/parsers.ts'
import { readNumber, readSeed } from '../campaign-options.ts'

/** Mutated inputs for every parser of bytes from outside; one that crashes, hangs or answers wrong ends it. */
export const usage = ['[--count N] [--parser NAME] [--seed N]']

export async function run(args: readonly string[]): Promise<number> {
  const text = { type: 'string' } as const
  const { values } = parseArgs({ args: [...args], options: { count: text, parser: text, seed: text } })
  const count = readNumber('count', values.count, { absent: 20_000 })
  const seed = readSeed(values.seed)
  const parsers = (await makeFuzzedParsers()).filter(({ name }) => name === (values.parser ?? name))
  if (parsers.length === 0) throw new RangeError(`there is no parser ${values.parser}`)
  console.log(`fuzz: ${count} inputs for each parser, seed ${seed}`)
  for (const parser of parsers) {
    await checkSeeds(parser)
    const startedAt = performance.now()
    const { inputs, accepted, slowestMs } = await fuzz(parser, { count, seed })
    const microseconds = ((performance.now() - startedAt) * 1000) / inputs
    console.log(
      `  ${parser.name.padEnd(18)}${inputs} inputs, ${accepted} accepted, ${microseconds.toFixed(1)} µs each, slowest ${slowestMs.toFixed(1)} ms`,
    )
  }
  return 0
}
