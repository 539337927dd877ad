import { UsageError } from './usage-error.ts'
import type { OptionReader } from './line/option-reader.ts'
import type { Printer } from './output/printer.ts'
import type { Terminal } from './output/terminal.ts'

/** One command line, read: what a command gets and nothing more. */
export interface Invocation {
  /** `key rotate`. */
  readonly command: string
  readonly values: readonly string[]
  readonly options: OptionReader
  readonly printer: Printer
  readonly terminal: Terminal
}

/** An argument that the parser has already insisted on. */
export function valueAt(invocation: Invocation, index: number): string {
  const value = invocation.values[index]
  if (value === undefined) throw UsageError.of('usage.missingArgument', { name: String(index + 1) })
  return value
}

/** Where settings come from. */
export type Sources = Pick<Invocation, 'options' | 'terminal'>
