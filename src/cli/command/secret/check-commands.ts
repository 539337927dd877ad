import { basename } from 'node:path'
import type { Checked, KeyFinding } from '../../../app-secret-files.ts'
import type { CommandRow } from '../../command-row.ts'
import { type ExitCode, FINDING, OK } from '../../exit-code.ts'
import type { Invocation } from '../../invocation.ts'
import { FORCE, OUT } from '../../line/option-rows.ts'
import { type Printer, visible } from '../../output/printer.ts'
import { withSink } from '../../output/sink.ts'
import { formatTable } from '../../output/table.ts'
import { UsageError } from '../../usage-error.ts'
import { NAME, nameOption, PROJECT, projectFolder } from './project-folder.ts'

const HOUR_MILLISECONDS = 3_600_000

export const checkCommands: readonly CommandRow[] = [
  {
    path: ['secret-key', 'check'],
    summary: 'command.secret-key.check',
    options: [
      NAME,
      { flags: '--fix', help: 'option.fixFiles' },
      { flags: '--at <moment>', help: 'option.checkAt' },
      PROJECT,
    ],
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
  const at = options.text('at')
  const request = {
    ...nameOption(invocation),
    fix: options.flag('fix'),
    ...(at === undefined ? {} : { at: readMoment(at) }),
  }
  const checked = await checkSecretKeys(secretFilesOf(projectFolder(invocation)), request)
  await printer.show(checked, () => linesOf(printer, checked))
  if (checked.findings.length > 0) return FINDING
  await printer.note('done.noKeyFindings')
  return OK
}

/** A date as ISO 8601 writes it, or so many hours or days from now: `+25h`, `+182d`. */
function readMoment(text: string): number {
  const { count, unit } = /^\+(?<count>\d{1,6})(?<unit>[hd])$/.exec(text)?.groups ?? {}
  if (count !== undefined) return Date.now() + Number(count) * (unit === 'd' ? 24 : 1) * HOUR_MILLISECONDS
  const moment = /^\d{4}-\d{2}-\d{2}(?:T[\d:.]+(?:Z|[+-]\d{2}:\d{2}))?$/.test(text)
    ? Date.parse(text)
    : Number.NaN
  if (Number.isNaN(moment)) throw UsageError.of('usage.moment', { name: '--at' })
  return moment
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
  const boxes = await checklist(secretFilesOf(folder), request)
  const isSecure = boxes.every(({ isTicked }) => isTicked)
  await printer.show({ secure: isSecure, boxes }, () => {
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
