import type { CommandRow } from '../command-row.ts'
import { formatCompletion, SHELLS } from '../line/completion.ts'
import { OK } from '../exit-code.ts'
import { valueAt } from '../invocation.ts'
import { globalOptions } from '../line/option-rows.ts'
import { writeTo } from '../output/terminal.ts'
import { UsageError } from '../usage-error.ts'

/** It completes the other commands and itself, so it is made over their list. */
export function completionCommand(others: readonly CommandRow[]): CommandRow {
  const row: CommandRow = {
    path: ['completion'],
    summary: 'command.completion',
    arguments: [{ syntax: '<shell>', help: 'argument.shell' }],
    run: async (invocation) => {
      const asked = valueAt(invocation, 0)
      const shell = SHELLS.find((name) => name === asked)
      if (shell === undefined) {
        throw UsageError.of('usage.choice', { name: '<shell>', choices: SHELLS.join(', ') })
      }
      await writeTo(invocation.terminal.stdout, formatCompletion(shell, [...others, row], globalOptions))
      return OK
    },
  }
  return row
}
