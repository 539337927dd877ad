import { parseArgs } from 'node:util'
import { PostgresServer } from '../../test/postgres-server.ts'
import { formatCalls, type SweepResult } from '../../test/recovery/nth-call.ts'
import { sweepQueries } from '../../test/recovery/sweep-queries.ts'
import { sweepStatements } from '../../test/recovery/sweep-statements.ts'
import { sweepStore } from '../../test/recovery/sweep-store.ts'
import { SWEPT_OPERATIONS, type SweptOperation } from '../../test/recovery/swept-operations.ts'
import type { Scope } from '../../test/temporary.ts'

/** Each call of each operation fails once, in every way; stops at the first that loses something. */
export const usage = ['[--level store|statement] [--store sqlite|postgres] [--operation NAME]']

type Sweep = (scope: Scope, operation: SweptOperation) => Promise<SweepResult>

const thorough = { thorough: true }

export async function run(args: readonly string[]): Promise<number> {
  const text = { type: 'string' } as const
  const options = { operation: text, level: text, store: text }
  const { values } = parseArgs({ args: [...args], options })
  const { level = 'store', store = 'sqlite', operation: name } = values
  const chosen = operationsAt(level, store).filter((each) => each.name === (name ?? each.name))
  if (chosen.length === 0) throw new RangeError(`there is no operation ${name}`)
  return await within(async (scope) => {
    const sweep = await chooseSweep(scope, level, store)
    let failed = 0
    for (const operation of chosen) {
      const result = await within((each) => sweep(each, operation))
      for (const count of Object.values(result.calls)) failed += count.failed
      console.log(`${operation.name.padEnd(18)}${formatCalls(result)}`)
    }
    console.log(`${chosen.length} operations ran through; ${failed} calls have failed, each once`)
    return 0
  })
}

/**
 * A folder that is opened sweeps by itself at once, so there the sweep cannot be made to wait for its fault. What opens it
 * again after a rekey is in a file or a variable, which no call of the store changes: kills cover that one.
 */
function operationsAt(level: string, store: string): readonly SweptOperation[] {
  const opensAnew = level === 'statement' && store === 'sqlite'
  return SWEPT_OPERATIONS.filter(({ name }) => !opensAnew || !['sweep', 'rekey'].includes(name))
}

async function chooseSweep(scope: Scope, level: string, store: string): Promise<Sweep> {
  const server = store === 'postgres' ? await startServer(scope) : undefined
  if (level === 'statement' && server !== undefined)
    return (_, operation) => sweepQueries(server, operation, thorough)
  if (level === 'statement') return (each, operation) => sweepStatements(each, operation, thorough)
  return (each, operation) => sweepStore(each, operation, { ...thorough, ...(server && { server }) })
}

async function startServer(scope: Scope): Promise<PostgresServer> {
  const server = new PostgresServer()
  scope.after(() => server.remove())
  await server.start()
  return server
}

async function within<Result>(work: (scope: Scope) => Promise<Result>): Promise<Result> {
  const ends: (() => Promise<void> | void)[] = []
  try {
    return await work({ after: (end) => void ends.push(end) })
  } finally {
    for (const end of ends.toReversed()) await end()
  }
}
