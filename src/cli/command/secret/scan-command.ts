import { resolve } from 'node:path'
import type { CommandRow } from '../../command-row.ts'
import { type ExitCode, FINDING, OK } from '../../exit-code.ts'
import type { Invocation } from '../../invocation.ts'
import { DRY_RUN } from '../../line/option-rows.ts'
import { visible } from '../../output/printer.ts'
import { reportPlan } from '../../output/report-plan.ts'
import { shellQuote } from '../../place.ts'
import { UsageError } from '../../usage-error.ts'
import { NAME, nameOption, PROJECT, projectFolder } from './project-folder.ts'

export const scanCommand: CommandRow = {
  path: ['scan'],
  summary: 'command.scan',
  arguments: [{ syntax: '[path]', help: 'argument.scanPath' }],
  options: [
    { flags: '--history', help: 'option.history' },
    { flags: '--staged', help: 'option.staged' },
    { flags: '--install-hook', help: 'option.installHook' },
    NAME,
    PROJECT,
    DRY_RUN,
  ],
  run: runScan,
}

async function runScan(invocation: Invocation): Promise<ExitCode> {
  const { options, printer, values } = invocation
  const { scanProject } = await import('../../../app-secret-files.ts')
  options.exclude('history', 'staged')
  const [within] = values
  for (const name of ['history', 'staged', 'install-hook']) {
    if (within !== undefined && options.flag(name))
      throw UsageError.of('usage.together', { name: 'path', other: `--${name}` })
  }
  const folder = projectFolder(invocation)
  if (options.flag('install-hook')) return runInstallHook(invocation, folder)
  if (options.flag('dry-run')) throw UsageError.of('usage.optionMissing', { name: '--install-hook' })
  const what = options.flag('history') ? 'history' : options.flag('staged') ? 'staged' : 'tree'
  const scanned = await scanProject(folder, {
    what,
    ...(within === undefined ? {} : { within }),
    ...nameOption(invocation),
  })
  const { texts, findings } = scanned
  await printer.show(scanned, () =>
    findings.map(({ file, object, line, rule, fingerprint }) => {
      const place = object === undefined ? `${file}:${line}` : `${file}:${line} (${object.slice(0, 12)})`
      return visible(`${place}: ${rule} ${fingerprint}`)
    }),
  )
  await printer.note('done.scanned', { texts, findings: findings.length })
  return findings.length === 0 ? OK : FINDING
}

async function runInstallHook(invocation: Invocation, folder: string): Promise<ExitCode> {
  const { printer } = invocation
  const { installHook, planHook } = await import('../../../app-secret-files.ts')
  if (invocation.options.flag('dry-run')) {
    const { file, isThere } = await planHook(folder)
    const lines = isThere ? [] : [printer.say('secretFile.wouldCreate', { path: file })]
    return reportPlan(invocation, { request: { files: isThere ? [] : [file] }, lines })
  }
  const file = await installHook(folder, hookCommand())
  await printer.done({ file }, 'done.hookInstalled', { file: visible(file) })
  return OK
}

/** The program that runs now, wherever a shell would find another. */
function hookCommand(): string {
  return [process.execPath, resolve(process.argv[1] ?? 'coffre'), 'scan', '--staged']
    .map(shellQuote)
    .join(' ')
}
