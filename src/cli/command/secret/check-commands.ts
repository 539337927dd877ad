import { basename } from 'node:path'
import type { Checked, KeyFinding } from '../../../app-secret-files.ts'
import type { CommandRow } from '../../command-row.ts'
import { type ExitCode, FINDING, OK } from '../../exit-code.ts'
import type { Invocation } from '../../invocation.ts'
import { FORCE, OUT } from '../../line/option-rows.ts'
import { type Printer, visible } from '../../output/printer.ts'
import { withSink } from '../../output/sink.ts'
import { formatTable } from '../../output/table.ts'
import { AT, readAt } from './moment.ts'
import { NAME, nameOption, PROJECT, projectFolder } from './project-folder.ts'

export const checkCommands: readonly CommandRow[] = [
  {
    path: ['secret-key', 'check'],
    summary: 'command.secret-key.check',
    options: [NAME, { flags: '--fix', help: 'option.fixFiles' }, AT, PROJECT],
    run: runCheck,
  },
  {
    path: ['secret-key', 'checklist'],
    summary: 'command.secret-key.checklist',
    options: [NAME, PROJECT],
    run: runChecklist,
  },
  {
    path: ['secret-key', 'procedures'],
    summary: 'command.secret-key.procedures',
    options: [OUT, FORCE, PROJECT],
    run: runProcedures,
  },
]

async function runCheck(invocation: Invocation): Promise<ExitCode> {
  const { options, printer } = invocation
  const { checkSecretKeys, secretFilesOf } = await import('../../../app-secret-files.ts')
  options.exclude('fix', 'at')
  const at = readAt(invocation)
  const request = {
    ...nameOption(invocation),
    fix: options.flag('fix'),
    ...(at === undefined ? {} : { at }),
  }
  const checked = await checkSecretKeys(secretFilesOf(projectFolder(invocation)), request)
  await printer.show(checked, () => linesOf(printer, checked))
  if (checked.findings.length > 0) return FINDING
  await printer.note('done.noKeyFindings')
  return OK
}

function linesOf(printer: Printer, { files, findings }: Checked): readonly string[] {
  const { messages } = printer.catalogue
  const head = [
    'column.file',
    'column.environment',
    'column.fingerprint',
    'column.characters',
    'column.bits',
  ] as const
  const rows = files.map(({ path, environment, fingerprint, characters, bits }) => {
    return [path, environment, fingerprint, String(characters), String(bits)]
  })
  const table = rows.length === 0 ? [] : formatTable([head.map((key) => messages[key]), ...rows])
  return [...table, ...findings.map((finding) => sentenceOf(printer, finding))]
}

function sentenceOf(printer: Printer, { code, file, environment, detail }: KeyFinding): string {
  const place = file ?? environment ?? ''
  const text = printer.catalogue.messages[`keyFinding.${code}`]
  return visible(`${place}: ${text}${detail === undefined ? '' : ` (${detail})`}`)
}

async function runChecklist(invocation: Invocation): Promise<ExitCode> {
  const { printer, terminal } = invocation
  const { checklist, secretFilesOf } = await import('../../../app-secret-files.ts')
  const folder = projectFolder(invocation)
  const request = { ...nameOption(invocation), environment: terminal.environment }
  const { boxes, environment } = await checklist(secretFilesOf(folder), request)
  const isSecure = boxes.every(({ isTicked }) => isTicked)
  await printer.note('done.checkedEnvironment', { environment })
  await printer.show({ secure: isSecure, environment, boxes }, () => {
    const lines = boxes.map(({ box, isTicked }) => {
      return `- [${isTicked ? 'x' : ' '}] ${printer.catalogue.messages[`box.${box}`]}`
    })
    return isSecure ? [...lines, printer.say('done.secretKeySecure', { name: basename(folder) })] : lines
  })
  return isSecure ? OK : FINDING
}

async function runProcedures(invocation: Invocation): Promise<ExitCode> {
  const { keyFilesInUse } = await import('../../../app-secret-files.ts')
  const paths = await keyFilesInUse(projectFolder(invocation))
  const files = paths.map((path) => `\`${path}\``).join(', ')
  await withSink(invocation, 'out', (sink) =>
    sink.write(`${invocation.printer.say('procedures.page', { files })}\n`),
  )
  return OK
}
