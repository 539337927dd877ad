import type { CommanderError } from 'commander'
import { UsageError } from '../usage-error.ts'

/** The parser stopped: help or version was shown (no problem), or the line is not valid. */
export class ParseStop extends Error {
  override readonly name = 'ParseStop'
  readonly commandLine: string
  readonly problem: UsageError | undefined
  readonly suggestion: string | undefined

  constructor(stop: { commandLine: string; problem?: UsageError; suggestion?: string }) {
    super('the parser stopped')
    this.commandLine = stop.commandLine
    this.problem = stop.problem
    this.suggestion = stop.suggestion
  }
}

/** Commander's stable code and the quoted name in its message, as our own sentence. */
export function parseFailure(error: CommanderError, commandLine: string): ParseStop {
  // Help that was asked for, and the version.
  if (error.exitCode === 0) return new ParseStop({ commandLine })
  const suggestion = /\(Did you mean (?:one of )?([^?]+)\?\)/.exec(error.message)?.[1]
  const problem = problemOf(error, commandLine)
  return new ParseStop({ commandLine, problem, ...(suggestion === undefined ? {} : { suggestion }) })
}

function problemOf(error: CommanderError, commandLine: string): UsageError {
  // After `=` may stand a value, and a value is never repeated.
  const name = /'([^'=]*)/.exec(error.message)?.[1] ?? ''
  switch (error.code) {
    case 'commander.help':
      return UsageError.of('usage.missingCommand', { name: commandLine })
    case 'commander.unknownOption':
      return UsageError.of('usage.unknownOption', { name })
    case 'commander.unknownCommand':
      return UsageError.of('usage.unknownCommand', { name })
    case 'commander.missingArgument':
      return UsageError.of('usage.missingArgument', { name })
    case 'commander.excessArguments':
      return UsageError.of('usage.tooManyArguments', { name: commandLine })
    case 'commander.optionMissingArgument':
      return UsageError.of('usage.optionValueMissing', { name })
    case 'commander.missingMandatoryOptionValue':
      return UsageError.of('usage.optionMissing', { name })
    default:
      return UsageError.of('usage.other')
  }
}
