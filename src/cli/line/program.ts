import { Argument, Command, CommanderError, Help, Option } from 'commander'
import { type Catalogue, formatMessage, type MessageKey } from '../../model/message/catalogue.ts'
import type { ArgumentRow, CommandRow, GroupRow, OptionRow } from '../command-row.ts'
import { parseFailure } from './parse-failure.ts'
import { writeTo } from '../output/terminal.ts'
import type { Terminal } from '../output/terminal.ts'

export interface ProgramParts {
  readonly catalogue: Catalogue
  readonly terminal: Terminal
  readonly rows: readonly CommandRow[]
  readonly groups: readonly GroupRow[]
  readonly globals: readonly OptionRow[]
  readonly version: string
  /** Called with the command that the line asks for. */
  readonly run: (row: CommandRow, command: Command) => Promise<void>
}

/** The commander tree over the command rows, in the language of the catalogue. */
export function buildProgram(parts: ProgramParts): Command {
  const program = dress(new Command('coffre'), parts)
  program.description(parts.catalogue.messages['program.summary'])
  program.version(parts.version, '-V, --version', parts.catalogue.messages['option.version'])
  program.helpCommand('help [command]', parts.catalogue.messages['help.command'])
  for (const option of parts.globals) program.addOption(toOption(option, parts.catalogue))
  const nodes = new Map<string, Command>([['', program]])
  for (const row of parts.rows) addRow(nodes, row, parts)
  return program
}

function addRow(nodes: Map<string, Command>, row: CommandRow, parts: ProgramParts): void {
  for (const group of parts.groups) {
    const isAbove = group.path.every((word, at) => word === row.path[at])
    if (isAbove && !nodes.has(group.path.join(' '))) addNode(nodes, group, parts).helpCommand(false)
  }
  const command = addNode(nodes, row, parts)
  for (const argument of row.arguments ?? []) command.addArgument(toArgument(argument, parts.catalogue))
  for (const option of row.options ?? []) command.addOption(toOption(option, parts.catalogue))
  command.action(() => parts.run(row, command))
}

function addNode(nodes: Map<string, Command>, row: GroupRow, parts: ProgramParts): Command {
  const parent = nodes.get(row.path.slice(0, -1).join(' '))
  const name = row.path.at(-1)
  if (parent === undefined || name === undefined) throw new Error('unreachable: groups come before commands')
  const command = dress(new Command(name), parts).description(parts.catalogue.messages[row.summary])
  parent.addCommand(command)
  nodes.set(row.path.join(' '), command)
  return command
}

function dress(command: Command, { catalogue, terminal }: ProgramParts): Command {
  return command
    .helpOption('-h, --help', catalogue.messages['help.option'])
    .configureHelp(helpIn(catalogue))
    .configureOutput({
      writeOut: (text) => void writeTo(terminal.stdout, text),
      writeErr: (text) => void writeTo(terminal.stderr, text),
      // Its sentences are English and can repeat a value; ours are made from the error's code.
      outputError: () => undefined,
    })
    .exitOverride((error: CommanderError) => {
      throw parseFailure(error, commandLine(command))
    })
}

function commandLine(command: Command): string {
  const above = command.parent === null ? '' : `${commandLine(command.parent)} `
  return above + command.name()
}

/** Commander's headings are English constants; its style hook is the place to translate them. */
function helpIn(catalogue: Catalogue): Partial<Help> {
  const titles: Readonly<Record<string, MessageKey>> = {
    'Usage:': 'title.usage',
    'Arguments:': 'title.arguments',
    'Options:': 'title.options',
    'Global Options:': 'title.globalOptions',
    'Commands:': 'title.commands',
  }
  return {
    showGlobalOptions: true,
    styleTitle: (title) => catalogue.messages[titles[title] ?? 'title.options'],
    optionDescription: (option) => option.description,
    argumentDescription: (argument) => argument.description,
  }
}

function toOption(row: OptionRow, catalogue: Catalogue): Option {
  const option = new Option(row.flags, describe(row, catalogue))
  if (row.repeats) {
    option.default([]).argParser((value, list: readonly string[]) => [...list, value])
  }
  return option
}

function toArgument(row: ArgumentRow, catalogue: Catalogue): Argument {
  return new Argument(row.syntax, describe(row, catalogue))
}

export function describe(row: OptionRow | ArgumentRow, catalogue: Catalogue): string {
  const text = catalogue.messages[row.help]
  if (row.choices === undefined) return text
  return `${text} (${formatMessage(catalogue, 'title.choices', { choices: row.choices.join(', ') })})`
}
