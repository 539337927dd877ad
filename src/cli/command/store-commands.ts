import { CoffreError } from '../../model/errors.ts'
import type { CommandRow } from '../command-row.ts'
import { type ExitCode, OK } from '../exit-code.ts'
import { chooseTarget } from '../input/store-setting.ts'
import type { Invocation } from '../invocation.ts'
import { DRY_RUN } from '../line/option-rows.ts'
import { Progress } from '../output/progress.ts'
import { requireFolder } from '../place.ts'

export const storeCommands: readonly CommandRow[] = [
  {
    path: ['store', 'migrate-to'],
    summary: 'command.store.migrate-to',
    arguments: [{ syntax: '[url]', help: 'argument.databaseUrl' }],
    options: [DRY_RUN],
    run: runMigrateTo,
  },
]

async function runMigrateTo(invocation: Invocation): Promise<ExitCode> {
  const { options, printer, terminal, values } = invocation
  const dataDir = requireFolder(options, terminal.environment, 'coffre store migrate-to')
  const databaseUrl = await chooseTarget(invocation, values[0])
  if (databaseUrl === undefined) {
    const facts = { COFFRE_DATABASE_URL: 'postgres://user@host/database' }
    throw new CoffreError('CONFIG_REFUSED', { facts })
  }
  const { moveStore } = await import('../../app.ts')
  const dryRun = options.flag('dry-run')
  const progress = new Progress(printer)
  const tell = ({ rows }: { readonly rows: number }) => void progress.show(rows)
  const { rows, target } = await moveStore({ dataDir, databaseUrl, dryRun, tell })
  await progress.end()
  const view = { ...(dryRun ? { dryRun } : {}), command: 'store migrate-to', rows, target }
  await printer.done(view, dryRun ? 'dryRun.migrateTo' : 'done.migrateTo', { rows, target })
  return OK
}
