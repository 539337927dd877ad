/** What we read of Stryker's report. */
export interface MutationReport {
  readonly files: Readonly<Record<string, { readonly mutants: readonly Mutant[] }>>
}

interface Mutant {
  readonly status: string
  readonly statusReason?: string
}

interface Count {
  readonly file: string
  /** Of every mutant. */
  readonly all: number
  /** By a test that failed, or by counting: a loop went round a hundred times as often as it should. */
  readonly killed: number
  /** By the clock. On a busy machine some of them are not noticed by anything. */
  readonly timedOut: number
  readonly survived: number
  readonly uncovered: number
  /** The test process ended without a test that failed: neither noticed nor missed. */
  readonly errors: number
}

export interface Score {
  readonly text: string
  readonly percent: number
  /** False where more than a tenth ended in errors: the tests did not run as they should. */
  readonly isSound: boolean
}

/** One line for each file, weakest first, and the whole with its 95 % interval where it is a sample. */
export function formatScore(report: MutationReport): Score {
  const counts = Object.entries(report.files).map(([file, { mutants }]) => count(file, mutants))
  const total = counts.reduce((sum, each) => add(sum, each))
  const lines = counts
    .filter((each) => judged(each) > 0)
    .toSorted((left, right) => percentOf(left) - percentOf(right))
    .map(formatCount)
  const text = [...lines, formatCount({ ...total, file: 'all' }), formatSample(total)].join('\n')
  return { text, percent: percentOf(total), isSound: total.errors <= judged(total) / 10 }
}

function count(file: string, mutants: readonly Mutant[]): Count {
  const having = (status: string) => mutants.filter((mutant) => mutant.status === status).length
  const looping = mutants.filter(({ statusReason }) => statusReason?.startsWith('Hit limit') === true).length
  return {
    file,
    all: mutants.length,
    killed: having('Killed') + looping,
    timedOut: having('Timeout') - looping,
    survived: having('Survived'),
    uncovered: having('NoCoverage'),
    errors: having('RuntimeError'),
  }
}

function add(left: Count, right: Count): Count {
  return {
    file: left.file,
    all: left.all + right.all,
    killed: left.killed + right.killed,
    timedOut: left.timedOut + right.timedOut,
    survived: left.survived + right.survived,
    uncovered: left.uncovered + right.uncovered,
    errors: left.errors + right.errors,
  }
}

function judged({ killed, timedOut, survived, uncovered }: Count): number {
  return killed + timedOut + survived + uncovered
}

function percentOf(each: Count): number {
  return (100 * (each.killed + each.timedOut)) / Math.max(judged(each), 1)
}

function formatCount(each: Count): string {
  const { file, killed, timedOut, survived, uncovered, errors } = each
  const parts = [
    `${killed} killed`,
    `${timedOut} timed out`,
    `${survived} survived`,
    `${uncovered} not covered`,
  ]
  if (errors > 0) parts.push(`${errors} errors`)
  return `${percentOf(each).toFixed(1).padStart(5)} %  ${file}: ${parts.join(', ')}`
}

function formatSample(total: Count): string {
  const size = judged(total)
  if (size + total.errors >= total.all) return `every one of ${total.all} mutants`
  const [low, high] = wilson(percentOf(total) / 100, size)
  return `${size} of ${total.all} mutants; 95 % interval ${(100 * low).toFixed(1)} to ${(100 * high).toFixed(1)} %`
}

/** E. B. Wilson's score interval, which holds near 100 % too. */
function wilson(share: number, size: number): readonly [number, number] {
  const z = 1.96
  const middle = share + z ** 2 / (2 * size)
  const reach = z * Math.sqrt((share * (1 - share)) / size + z ** 2 / (4 * size ** 2))
  const scale = 1 + z ** 2 / size
  return [(middle - reach) / scale, (middle + reach) / scale]
}
