import { CoffreError } from '../../../model/errors.ts'
import type { CommandRow } from '../../command-row.ts'
import { type ExitCode, OK } from '../../exit-code.ts'
import { readLimitedFile } from '../../input/read-limited.ts'
import { type Invocation, valueAt } from '../../invocation.ts'
import { DRY_RUN, FORCE } from '../../line/option-rows.ts'
import { reportPlan } from '../../output/report-plan.ts'
import { exists } from '../../output/sink.ts'
import { UsageError } from '../../usage-error.ts'
import { requireSeparateKeys } from './examine-remote.ts'

const FILES = [
  { syntax: '<input>', help: 'argument.inputFile' },
  { syntax: '<output>', help: 'argument.outputFile' },
] as const
const VARIABLE = 'BACKUP_ENCRYPTION_KEY'
/** One key after another while one replaces the other. */
const PREVIOUS = 'BACKUP_ENCRYPTION_KEY_PREVIOUS'
const MAX_KEY_BYTES = 4_096

/** Single files in the layouts of IMP-008 (docs/spec/backup-layouts.md). */
export const layoutCommands: readonly CommandRow[] = [
  {
    path: ['backup', 'encrypt-file'],
    summary: 'command.backup.encrypt-file',
    arguments: [...FILES],
    options: [FORCE, DRY_RUN],
    run: (invocation) => run(invocation, 'encrypt'),
  },
  {
    path: ['backup', 'decrypt-file'],
    summary: 'command.backup.decrypt-file',
    arguments: [...FILES],
    options: [FORCE, DRY_RUN],
    run: (invocation) => run(invocation, 'decrypt'),
  },
]

async function run(invocation: Invocation, how: 'encrypt' | 'decrypt'): Promise<ExitCode> {
  const { options, printer } = invocation
  const [input, output] = [valueAt(invocation, 0), valueAt(invocation, 1)]
  if (how === 'encrypt') await requireSeparateKeys(invocation)
  const key = await readKey(invocation, VARIABLE)
  if (!options.flag('force') && (await exists(output))) {
    throw UsageError.of('usage.fileExists', { name: '<output>' })
  }
  if (options.flag('dry-run')) return reportPlan(invocation, { request: { input, output }, lines: [] })
  const { decryptBackup, encryptBackup } = await import('../../../app-backup.ts')
  if (how === 'encrypt') await encryptBackup(input, output, key ?? '')
  else {
    const previous = await readKey(invocation, PREVIOUS)
    await decryptBackup(input, output, [key ?? '', ...(previous === undefined ? [] : [previous])])
  }
  await printer.done({ input, output }, 'done.layoutFile', { file: output })
  return OK
}

/** Of the variable, or of the file that the variable with _FILE names: 32 raw bytes too. */
async function readKey({ terminal }: Invocation, variable: string): Promise<string | Uint8Array | undefined> {
  const value = terminal.environment[variable] ?? ''
  const path = terminal.environment[`${variable}_FILE`] ?? ''
  if (value !== '' && path !== '') {
    const facts = { setting: variable, expected: `only one of it and ${variable}_FILE` }
    throw new CoffreError('CONFIG_REFUSED', { facts })
  }
  if (value !== '') return value
  return path === ''
    ? undefined
    : readLimitedFile(path, { name: `${variable}_FILE`, maximumBytes: MAX_KEY_BYTES })
}
