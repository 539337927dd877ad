import { resolve } from 'node:path'
import type { OptionRow } from '../../command-row.ts'
import type { Invocation } from '../../invocation.ts'

export const PROJECT: OptionRow = { flags: '--project <folder>', help: 'option.project' }
export const NAME: OptionRow = { flags: '--name <name>', help: 'option.variableName' }

/** The option before the variable before where the command runs. */
export function projectFolder({ options, terminal }: Invocation): string {
  const variable = terminal.environment['COFFRE_PROJECT_DIR']
  return resolve(options.text('project') ?? (variable === undefined || variable === '' ? '.' : variable))
}

export function nameOption({ options }: Invocation): { readonly name?: string } {
  const name = options.text('name')
  return name === undefined ? {} : { name }
}
