import type { Command } from 'commander'
import { hasCode } from '../model/errors.ts'
import { LANGUAGES } from '../model/message/catalogue.ts'
import type { CommandRow } from './command-row.ts'
import { commandRows, groupRows } from './commands.ts'
import { type ExitCode, exitCodeOf, FINDING, OK } from './exit-code.ts'
import { chooseLanguage, loadCatalogue } from './language.ts'
import { globalOptions } from './line/option-rows.ts'
import { OptionReader } from './line/option-reader.ts'
import { ParseStop } from './line/parse-failure.ts'
import { serverRemedy } from './place.ts'
import { Printer } from './output/printer.ts'
import { buildProgram } from './line/program.ts'
import { renderError } from './output/render-error.ts'
import type { Terminal } from './output/terminal.ts'
import { UsageError } from './usage-error.ts'
import { readVersion } from '../version.ts'

/** docs/spec/share.md: a share or a seal key, mistyped as well. */
const SHARE = /coffre-?(share|seal-?key)-?[0-9a-z]{6}-?[0-9a-z]{6}/i
/** docs/spec/token.md, without the exact lengths: a mistyped token is a secret as well. */
const TOKEN = /coffre_[a-z0-9]{8,12}_[A-Za-z0-9]{30,}/

/** Runs one command line and tells the exit code. Never throws. */
export async function runCli(argv: readonly string[], terminal: Terminal): Promise<ExitCode> {
  const catalogue = await loadCatalogue(chooseLanguage(argv, terminal.environment))
  const flags = { json: argv.includes('--json'), noColor: argv.includes('--no-color') }
  const printer = new Printer({ terminal, catalogue, ...flags, quiet: isQuiet(argv) })
  const line: Line = { argv, printer, commandLine: 'coffre', exitCode: OK }
  try {
    if (argv.some((argument) => TOKEN.test(argument))) throw UsageError.of('usage.secretOnCommandLine')
    if (argv.some((argument) => SHARE.test(argument))) throw UsageError.of('usage.shareOnCommandLine')
    await parse(line)
    return line.exitCode
  } catch (error) {
    return fail(line, error)
  }
}

interface Line {
  readonly argv: readonly string[]
  readonly printer: Printer
  commandLine: string
  options?: OptionReader
  exitCode: ExitCode
}

async function parse(line: Line): Promise<void> {
  const { terminal, catalogue } = line.printer
  const program = buildProgram({
    catalogue,
    terminal,
    rows: commandRows,
    groups: groupRows,
    globals: globalOptions,
    version: readVersion(),
    run: (row, command) => run(line, row, command),
  })
  await program.parseAsync([...line.argv], { from: 'user' })
}

async function run(line: Line, row: CommandRow, command: Command): Promise<void> {
  const options = new OptionReader(command.optsWithGlobals())
  line.commandLine = ['coffre', ...row.path].join(' ')
  line.options = options
  options.choice('lang', LANGUAGES)
  line.exitCode = await row.run({
    command: row.path.join(' '),
    values: command.args,
    options,
    printer: line.printer,
    terminal: line.printer.terminal,
  })
}

async function fail(line: Line, error: unknown): Promise<ExitCode> {
  const stop = error instanceof ParseStop ? error : undefined
  if (stop !== undefined && stop.problem === undefined) return OK
  const problem = stop?.problem ?? error
  const commandLine = stop?.commandLine ?? line.commandLine
  await renderError(line.printer, problem, {
    commandLine,
    suggestion: stop?.suggestion,
    remedy: remedyFor(line, problem),
  })
  // Scripts read `coffre status` as 0 unsealed, 1 error, 2 sealed, so no error may be 2.
  return commandLine === 'coffre status' ? FINDING : exitCodeOf(problem)
}

function remedyFor({ options, printer }: Line, problem: unknown): readonly string[] | undefined {
  if (options === undefined || !hasCode(problem, 'STORE_IN_USE')) return undefined
  return serverRemedy(options, printer.terminal.environment)
}

function isQuiet(argv: readonly string[]): boolean {
  return argv.includes('-q') || argv.includes('--quiet')
}
