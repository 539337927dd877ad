import { join } from 'node:path'
import type { OptionReader } from './line/option-reader.ts'
import type { Environment } from './output/terminal.ts'
import { UsageError } from './usage-error.ts'

const DEFAULT_DATA_DIR = './coffre-data'
/** Where `coffre serve` listens unless it is told otherwise; a test compares it with config.ts. */
export const DEFAULT_ADDRESS = 'http://127.0.0.1:8250'

/** Where the keys are: a server, or a data folder that this process opens. */
export type Place =
  | { readonly kind: 'server'; readonly address: string }
  | { readonly kind: 'folder'; readonly dataDir: string }

/** Options before variables before the default; a server before a folder. */
export function choosePlace(options: OptionReader, environment: Environment): Place {
  options.exclude('addr', 'data-dir')
  options.exclude('addr', 'database-url')
  const address = options.text('addr')
  if (address !== undefined) return { kind: 'server', address }
  const dataDir = options.text('data-dir')
  if (dataDir !== undefined) return { kind: 'folder', dataDir }
  if (options.text('database-url') !== undefined)
    return { kind: 'folder', dataDir: folderOf(options, environment) }
  const variable = environment['COFFRE_ADDR']
  if (variable !== undefined && variable !== '') return { kind: 'server', address: variable }
  return { kind: 'folder', dataDir: folderOf(options, environment) }
}

export function requireFolder(options: OptionReader, environment: Environment, name: string): string {
  if (options.text('addr') !== undefined) throw UsageError.of('usage.embeddedOnly', { name })
  return folderOf(options, environment)
}

/** What to paste when a server holds the data folder. */
export function serverRemedy(options: OptionReader, environment: Environment): readonly string[] {
  const tokenFile = join(folderOf(options, environment), 'first-token')
  return [`  export COFFRE_ADDR=${DEFAULT_ADDRESS}`, `  export COFFRE_TOKEN_FILE=${shellQuote(tokenFile)}`]
}

export function folderOf(options: OptionReader, environment: Environment): string {
  const variable = environment['COFFRE_DATA_DIR']
  return options.text('data-dir') ?? (variable === undefined || variable === '' ? DEFAULT_DATA_DIR : variable)
}

/** One word for a POSIX shell. */
export function shellQuote(text: string): string {
  return /^[A-Za-z0-9_./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`
}
