import type { MessageKey } from '../model/message/catalogue.ts'
import type { ExitCode } from './exit-code.ts'
import type { Invocation } from './invocation.ts'

/** One command as data: the parser, the help, docs/en/cli.md and the completion scripts are made from it. */
export interface CommandRow {
  /** The words after `coffre`. */
  readonly path: readonly string[]
  readonly summary: MessageKey
  readonly arguments?: readonly ArgumentRow[]
  readonly options?: readonly OptionRow[]
  readonly run: (invocation: Invocation) => Promise<ExitCode>
}

export interface ArgumentRow {
  /** `<needed>` or `[optional]`. */
  readonly syntax: string
  readonly help: MessageKey
  readonly choices?: readonly string[]
}

export interface OptionRow {
  /** In commander's syntax: `-y, --yes` or `--in <file>`. */
  readonly flags: string
  readonly help: MessageKey
  readonly choices?: readonly string[]
  /** May be given several times. */
  readonly repeats?: true
}

/** What stands before commands of two words: `coffre key …`. */
export interface GroupRow {
  readonly path: readonly string[]
  readonly summary: MessageKey
}
