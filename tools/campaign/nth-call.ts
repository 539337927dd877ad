import { parseArgs } from 'node:util'
import { formatCalls } from '../../test/recovery/nth-call.ts'
import { sweepStatements } from '../../test/recovery/sweep-statements.ts'
import { sweepStore } from '../../test/recovery/sweep-store.ts'
import { SWEPT_OPERATIONS } from '../../test/recovery/swept-operations.ts'

/** Each call of each operation fails once, in every way; stops at the first that loses something. */
export const usage = ['[--level store|statement] [--operation NAME]']

export async function run(args: readonly string[]): Promise<number> {
  const text = { type: 'string' } as const
  const { values } = parseArgs({ args: [...args], options: { operation: text, level: text } })
  // A folder that is opened sweeps by itself at once, so there the sweep cannot be made to wait for its fault.
  const possible = SWEPT_OPERATIONS.filter(({ name }) => values.level !== 'statement' || name !== 'sweep')
  const chosen = possible.filter(({ name }) => name === (values.operation ?? name))
  if (chosen.length === 0) throw new RangeError(`there is no operation ${values.operation}`)
  let failed = 0
  for (const operation of chosen) {
    const ends: (() => Promise<void> | void)[] = []
    try {
      const scope = { after: (work: () => Promise<void> | void) => void ends.push(work) }
      const result = await (values.level === 'statement'
        ? sweepStatements(scope, operation, { thorough: true })
        : sweepStore(scope, operation, { thorough: true }))
      for (const count of Object.values(result.calls)) failed += count.failed
      console.log(`${operation.name.padEnd(18)}${formatCalls(result)}`)
    } finally {
      for (const end of ends.toReversed()) await end()
    }
  }
  console.log(`${chosen.length} operations ran through; ${failed} calls have failed, each once`)
  return 0
}
