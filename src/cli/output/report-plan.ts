import { type ExitCode, OK } from '../exit-code.ts'
import type { Invocation } from '../invocation.ts'
import type { PlannedChange } from '../command/plan-move.ts'
import { visible } from './printer.ts'
import { writeTo } from './terminal.ts'

export interface Plan {
  readonly key?: string
  readonly changes?: readonly PlannedChange[]
  readonly request?: object
  /** What would change, for a person. */
  readonly lines: readonly string[]
}

/** The outcome of --dry-run. Its lines are the result, so they are on standard output. */
export async function reportPlan(invocation: Invocation, plan: Plan): Promise<ExitCode> {
  const { command, printer, terminal, values } = invocation
  const { lines, ...view } = plan
  if (printer.json) {
    await writeTo(terminal.stdout, `${JSON.stringify({ dryRun: true, command, ...view })}\n`)
    return OK
  }
  if (lines.length > 0) await writeTo(terminal.stdout, `${lines.map(visible).join('\n')}\n`)
  await printer.note('dryRun.ok', { command: ['coffre', command, ...values].join(' ') })
  return OK
}
