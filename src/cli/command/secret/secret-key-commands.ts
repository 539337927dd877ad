import type { Generated } from '../../../app-secret-files.ts'
import type { CommandRow } from '../../command-row.ts'
import { type ExitCode, OK } from '../../exit-code.ts'
import type { Invocation } from '../../invocation.ts'
import { DRY_RUN } from '../../line/option-rows.ts'
import { reportPlan } from '../../output/report-plan.ts'
import { writeTo } from '../../output/terminal.ts'
import { ENVIRONMENT, KEY_OPTIONS, readEnvironment, readKeyRequest } from './key-options.ts'
import { NAME, nameOption, PROJECT, projectFolder } from './project-folder.ts'

const SHELL_NAMES = ['bash', 'fish', 'pwsh'] as const

export const secretKeyCommands: readonly CommandRow[] = [
  {
    path: ['secret-key', 'generate'],
    summary: 'command.secret-key.generate',
    options: [
      ENVIRONMENT,
      ...KEY_OPTIONS,
      { flags: '--print', help: 'option.printKey' },
      { flags: '--force', help: 'option.replaceKey' },
      PROJECT,
      DRY_RUN,
    ],
    run: runGenerate,
  },
  {
    path: ['secret-key', 'export'],
    summary: 'command.secret-key.export',
    options: [
      { flags: '--shell <shell>', help: 'option.shell', choices: SHELL_NAMES },
      ENVIRONMENT,
      NAME,
      PROJECT,
    ],
    run: runExport,
  },
]

async function runGenerate(invocation: Invocation): Promise<ExitCode> {
  const { options, printer } = invocation
  const { generateSecretKey, planSecretKey, secretFilesOf } = await import('../../../app-secret-files.ts')
  const folder = projectFolder(invocation)
  const request = {
    ...(await readKeyRequest(invocation)),
    ...readEnvironment(invocation),
    ...nameOption(invocation),
    replace: options.flag('force'),
  }
  if (options.flag('dry-run')) {
    const planned = await planSecretKey(folder, request)
    const lines = planned.files.map(({ path, change }) =>
      printer.say(change === 'create' ? 'secretFile.wouldCreate' : 'secretFile.wouldChange', { path }),
    )
    return reportPlan(invocation, { request: planned, lines })
  }
  await showGenerated(invocation, await generateSecretKey(secretFilesOf(folder), request))
  return OK
}

/** The key is in the answer only where --print asks for it. */
async function showGenerated(invocation: Invocation, generated: Generated): Promise<void> {
  const { options, printer } = invocation
  const { key, ...rest } = generated
  const isPrinted = options.flag('print')
  if (printer.json) return printer.show(isPrinted ? { ...rest, key: key.reveal() } : rest, () => [])
  for (const { path, change, readers } of generated.files) {
    const agreeing = readers.filter(({ verdict }) => verdict === 'agrees').map(({ reader }) => reader)
    const text = printer.say(change === 'created' ? 'secretFile.created' : 'secretFile.changed', { path })
    await printer.line(`${text} (${agreeing.join(', ')})`)
  }
  if (generated.isIgnoreChanged) await printer.note('secretFile.ignored')
  const { name, environment, characters, fingerprint } = generated
  await printer.note('done.secretKeyMade', { name, environment, characters, fingerprint })
  if (isPrinted) await writeTo(invocation.terminal.stdout, `${key.reveal()}\n`)
}

async function runExport(invocation: Invocation): Promise<ExitCode> {
  const { exportSecretKey } = await import('../../../app-secret-files.ts')
  const shell = invocation.options.choice('shell', SHELL_NAMES) ?? 'bash'
  const request = { shell, ...readEnvironment(invocation), ...nameOption(invocation) }
  const statement = await exportSecretKey(projectFolder(invocation), request)
  await invocation.printer.show({ shell, statement: statement.reveal() }, () => [statement.reveal()])
  return OK
}
