import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { ArgumentRow, CommandRow, OptionRow } from '../src/cli/command-row.ts'
import { commandRows, groupRows } from '../src/cli/commands.ts'
import { EXIT_CODES } from '../src/cli/exit-code.ts'
import { globalOptions } from '../src/cli/line/option-rows.ts'
import { describe } from '../src/cli/line/program.ts'
import { ERROR_STATUS } from '../src/http/error-status.ts'
import { ERROR_CODES, ERRORS } from '../src/model/errors.ts'
import type { Catalogue } from '../src/model/message/catalogue.ts'
import { en } from '../src/model/message/en.ts'

/*
 * node tools/generate-docs.ts            writes the pages that are made from tables in src/
 * node tools/generate-docs.ts --check    compares them and exits 1 where one differs
 */
const ROOT = join(import.meta.dirname, '..')
const ENGLISH: Catalogue = { language: 'en', messages: en, errors: ERRORS }

const PAGES: Readonly<Record<string, () => string>> = {
  'docs/errors.md': formatErrors,
  'docs/en/cli.md': formatCli,
}

function formatErrors(): string {
  const rows = ERROR_CODES.map((code) => {
    const { fault, sentence, next } = ERRORS[code]
    return [`\`${code}\``, fault, String(ERROR_STATUS[code]), String(EXIT_CODES[code]), sentence, next]
  })
  return `# Errors

\`\`\`
$ coffre key show invoices
error: ${ERRORS.KEY_NOT_FOUND.sentence} [KEY_NOT_FOUND]
  next: ${ERRORS.KEY_NOT_FOUND.next}
$ echo $?
${EXIT_CODES.KEY_NOT_FOUND}
\`\`\`

Every error has a stable code. The library throws a \`CoffreError\` with \`code\` and \`facts\`, the server answers
problem details (RFC 9457) with the same two, and the command line exits with the number in the table. \`fault\`
says who can mend it: the caller, the operator of this installation, or nobody but the system itself.

${formatTable(['Code', 'Fault', 'HTTP', 'Exit', 'Sentence', 'Next step'], rows)}
`
}

function formatCli(): string {
  return `# Command line

\`\`\`sh
coffre init
coffre key create invoices
printf 'FR76 3000 6000 0112 3456 7890 189' | coffre encrypt invoices > iban.cof
coffre decrypt --in iban.cof
\`\`\`

Data comes from standard input, from \`--in\` or from a hidden prompt; results go to standard output and everything
said about them to standard error. Secrets are never options. \`--json\` prints one JSON value per result, with
binary values in base64, and errors as JSON on standard error.

Without \`--addr\` or \`COFFRE_ADDR\` a command opens the data folder itself; with it, it talks to that server.
Options win over variables, variables over defaults.

## Exit codes

${formatTable(
  ['Code', 'Meaning'],
  [
    ['0', 'done'],
    ['1', 'a check found something; `coffre status`: any error'],
    ['2', 'the command line or the request is not valid; `coffre status`: sealed'],
    ['3', 'integrity: a ciphertext, signature, store or audit log does not verify'],
    ['4', 'a wrong, revoked or missing key, token or passphrase'],
    ['5', 'unavailable: server, store or audit log'],
    ['78', 'the configuration is refused'],
    ['130', 'cancelled by the person at the terminal'],
  ],
)}

[Errors](../errors.md) lists the exit code of every error.

## Options of every command

${formatOptions(globalOptions)}

## Commands

${commandRows.map(formatCommand).join('\n\n')}
`
}

function formatCommand(row: CommandRow): string {
  const name = ['coffre', ...row.path].join(' ')
  const values = row.arguments ?? []
  const options = row.options ?? []
  const usage = [name, ...(options.length > 0 ? ['[options]'] : []), ...values.map((value) => value.syntax)]
  return [
    `### ${name}`,
    `${en[row.summary]}.`,
    `\`${usage.join(' ')}\``,
    ...(values.length > 0 ? [formatArguments(values)] : []),
    ...(options.length > 0 ? [formatOptions(options)] : []),
  ].join('\n\n')
}

function formatArguments(values: readonly ArgumentRow[]): string {
  const rows = values.map((value) => [`\`${value.syntax}\``, describe(value, ENGLISH)])
  return formatTable(['Argument', 'Meaning'], rows)
}

function formatOptions(options: readonly OptionRow[]): string {
  const rows = options.map((option) => [`\`${option.flags}\``, describe(option, ENGLISH)])
  return formatTable(['Option', 'Meaning'], rows)
}

function formatTable(heading: readonly string[], rows: readonly (readonly string[])[]): string {
  return [formatLine(heading), formatLine(heading.map(() => '---')), ...rows.map(formatLine)].join('\n')
}

function formatLine(cells: readonly string[]): string {
  return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`
}

async function main(argv: readonly string[]): Promise<number> {
  if (groupRows.length === 0 || commandRows.length === 0) throw new Error('no commands to document')
  const isCheck = argv.includes('--check')
  let stale = 0
  for (const [path, format] of Object.entries(PAGES)) {
    const file = join(ROOT, path)
    if (!isCheck) await writePage(file, format())
    else if ((await readFile(file, 'utf8').catch(() => '')) !== format()) {
      stale += 1
      console.error(`${path} is stale: run node tools/generate-docs.ts`)
    }
  }
  return stale === 0 ? 0 : 1
}

async function writePage(file: string, text: string): Promise<void> {
  await mkdir(dirname(file), { recursive: true })
  await writeFile(file, text)
}

process.exitCode = await main(process.argv.slice(2))
