import { resolve } from 'node:path'
import type { CommandRow } from '../../command-row.ts'
import { type ExitCode, FINDING, OK } from '../../exit-code.ts'
import type { Invocation } from '../../invocation.ts'
import { visible } from '../../output/printer.ts'
import { shellQuote } from '../../place.ts'
import { NAME, nameOption, PROJECT, projectFolder } from './project-folder.ts'

export const scanCommand: CommandRow = {
  path: ['scan'],
  summary: 'command.scan',
  options: [
    { flags: '--history', help: 'option.history' },
    { flags: '--staged', help: 'option.staged' },
    { flags: '--install-hook', help: 'option.installHook' },
    NAME,
    PROJECT,
  ],
  run: runScan,
}

async function runScan(invocation: Invocation): Promise<ExitCode> {
  const { options, printer } = invocation
  const { installHook, scanProject } = await import('../../../app-secret-files.ts')
  options.exclude('history', 'staged')
  const folder = projectFolder(invocation)
  if (options.flag('install-hook')) {
    const file = await installHook(folder, hookCommand())
    await printer.done({ file }, 'done.hookInstalled', { file: visible(file) })
    return OK
  }
  const what = options.flag('history') ? 'history' : options.flag('staged') ? 'staged' : 'tree'
  const scanned = await scanProject(folder, { what, ...nameOption(invocation) })
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

/** The program that runs now, wherever a shell would find another. */
function hookCommand(): string {
  return [process.execPath, resolve(process.argv[1] ?? 'coffre'), 'scan', '--staged']
    .map(shellQuote)
    .join(' ')
}
