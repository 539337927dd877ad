import { CoffreError } from '../../src/model/errors.ts'
import { Draw, mutate } from './mutate.ts'
import type { FuzzedParser } from './parsers.ts'

/** No parser takes a thousandth of this for 64 KiB; what takes it hangs. */
const MAX_INPUT_MS = 10_000
/** A run of a slow parser takes one input in so many. */
const SLOW_SHARE = 20
/** Lets an event loop turn, so that a test can end at its bound. */
const INPUTS_PER_TURN = 10_000

export interface FuzzChoice {
  readonly count: number
  readonly seed: number
}

export interface FuzzResult {
  readonly parser: string
  readonly inputs: number
  /** How many were answered, rather than refused. */
  readonly accepted: number
  readonly slowestMs: number
}

/** Thrown with what is needed to do it again. */
export class FuzzFinding extends Error {
  constructor(parser: string, place: { readonly seed: number; readonly input: Buffer }, cause: unknown) {
    const { seed, input } = place
    super(`${parser}, seed ${seed}: ${String(cause)}\ninput in base64: ${input.toString('base64')}`, {
      cause,
    })
  }
}

/** Gives `count` mutated inputs to one parser. Each input has a seed of its own, which names it for ever. */
export async function fuzz(parser: FuzzedParser, { count, seed }: FuzzChoice): Promise<FuzzResult> {
  const inputs = parser.isSlow === true ? Math.ceil(count / SLOW_SHARE) : count
  let accepted = 0
  let slowestMs = 0
  for (let index = 0; index < inputs; index += 1) {
    if (index % INPUTS_PER_TURN === 0) await new Promise((resolve) => setImmediate(resolve))
    const own = seed + index
    const input = mutate(parser.seeds, new Draw(own))
    const startedAt = performance.now()
    if (await isAccepted(parser, input, own)) accepted += 1
    const took = performance.now() - startedAt
    slowestMs = Math.max(slowestMs, took)
    if (took > MAX_INPUT_MS) throw new FuzzFinding(parser.name, { seed: own, input }, 'it hangs')
  }
  return { parser: parser.name, inputs, accepted, slowestMs }
}

/** Every seed must be accepted, or a parser that refuses everything would pass. */
export async function checkSeeds(parser: FuzzedParser): Promise<void> {
  for (const seed of parser.seeds) {
    if (!(await parser.parse(Buffer.from(seed)))) throw new Error(`${parser.name} refuses its own seed`)
  }
}

async function isAccepted(parser: FuzzedParser, input: Buffer, seed: number): Promise<boolean> {
  try {
    const parsing = parser.parse(input)
    // Most answer at once; a promise for each of a million inputs would cost more than the parsing.
    return typeof parsing === 'boolean' ? parsing : await parsing
  } catch (error) {
    if (error instanceof CoffreError) return false
    throw new FuzzFinding(parser.name, { seed, input }, error)
  }
}
