import { CoffreError } from '../../model/errors.ts'
import type { CommandRow, OptionRow } from '../command-row.ts'
import { EXIT_CODES, type ExitCode, OK } from '../exit-code.ts'
import { readCacheVariables } from '../input/cache-setting.ts'
import { readSavedToken } from '../input/saved-token.ts'
import type { Invocation } from '../invocation.ts'
import { SEAL_OPTIONS } from '../line/option-rows.ts'
import { titles, withHeading } from '../output/key-text.ts'
import type { Printer } from '../output/printer.ts'
import { choosePlace } from '../place.ts'
import { findSetting, type FoundSetting } from '../setting/find-setting.ts'
import { readServerOptions } from '../setting/server-options.ts'
import { OTHER_ROWS, serverRows } from '../setting/setting-rows.ts'
import { BACKUP_PASSPHRASE, FILE_PASSPHRASE } from './secret/file-key-holder.ts'
import { PROJECT } from './secret/project-folder.ts'
import { TARGET } from './backup/with-backups.ts'
import { SERVER_OPTIONS } from './serve-command.ts'

/** Every option that stands for a setting, and is not understood by all commands anyway. */
const OPTIONS: readonly OptionRow[] = [
  ...SERVER_OPTIONS,
  ...SEAL_OPTIONS,
  BACKUP_PASSPHRASE,
  FILE_PASSPHRASE,
  TARGET,
  PROJECT,
]
const NONE = '–'

export const configCommand: CommandRow = {
  path: ['config', 'show'],
  summary: 'command.config.show',
  options: OPTIONS,
  run: runShow,
}

/** Reads no secret but the token of a login, and shows none. */
async function runShow(invocation: Invocation): Promise<ExitCode> {
  const { options, printer, terminal } = invocation
  const { environment } = terminal
  const { kind } = choosePlace(options, environment)
  const { settingDefaults } = await import('../../config.ts')
  const rows = [...serverRows(settingDefaults()), ...OTHER_ROWS]
  const found = await Promise.all(rows.map((row) => findSetting(row, { options, environment })))
  const problems = await findProblems(invocation)
  const settings = await Promise.all(
    found.map(async (each) => {
      const more = each.source === 'none' ? await findElsewhere(invocation, each) : each
      const problem = more.problem ?? problems[each.setting]
      return problem === undefined ? more : { ...more, problem }
    }),
  )
  await printer.show({ place: kind, settings }, () => format(printer, settings))
  return settings.every(({ problem }) => problem === undefined) ? OK : EXIT_CODES.CONFIG_REFUSED
}

/** The two secrets that have one place more than the others. */
async function findElsewhere(invocation: Invocation, found: FoundSetting): Promise<FoundSetting> {
  const { options, terminal } = invocation
  if (found.setting === 'FERNET_SECRET_KEY') return findFernet(invocation, found)
  const place = choosePlace(options, terminal.environment)
  if (found.setting !== 'COFFRE_TOKEN' || place.kind === 'folder') return found
  return judged(found, async () => {
    const saved = await readSavedToken(terminal.environment, place.address)
    return saved === undefined ? found : { ...found, source: 'login', from: 'coffre login' }
  })
}

/** `.env` counts where the environment says nothing, and the name in any case. */
async function findFernet({ terminal }: Invocation, found: FoundSetting): Promise<FoundSetting> {
  const { findFernetSource } = await import('../../app.ts')
  return judged(found, async () => {
    const source = findFernetSource({ environment: terminal.environment, folder: process.cwd() })
    if (source === undefined) return found
    if (source.kind === 'environment') return { ...found, source: 'environment', from: found.setting }
    const kind = source.kind === 'key-file' ? 'file' : 'env-file'
    return { ...found, source: kind, from: source.path }
  })
}

async function judged(found: FoundSetting, find: () => Promise<FoundSetting>): Promise<FoundSetting> {
  try {
    return await find()
  } catch (error) {
    return {
      ...found,
      problem: problemsOf(error)[found.setting] ?? Object.values(problemsOf(error)).join('; '),
    }
  }
}

/** What each setting is refused for, by the same readers that the commands use. */
async function findProblems(invocation: Invocation): Promise<Readonly<Record<string, string>>> {
  const { options, terminal } = invocation
  const environment = { ...terminal.environment, ...readServerOptions(options) }
  const { readSettings } = await import('../../config.ts')
  const readers = [() => readSettings(environment), () => readCacheVariables(environment)]
  const problems: Record<string, string> = {}
  for (const read of readers) {
    try {
      read()
    } catch (error) {
      Object.assign(problems, problemsOf(error))
    }
  }
  return problems
}

/** By the setting that is refused. Rethrows what is no refusal of one. */
function problemsOf(error: unknown): Readonly<Record<string, string>> {
  if (!(error instanceof CoffreError) || error.code !== 'CONFIG_REFUSED') throw error
  const { setting, expected, ...rest } = error.facts
  if (typeof setting === 'string') return { [setting]: String(expected) }
  return Object.fromEntries(Object.entries(rest).map(([name, what]) => [name, String(what)]))
}

function format(printer: Printer, settings: readonly FoundSetting[]): readonly string[] {
  const heading = titles(printer, ['column.setting', 'column.value', 'column.source'])
  const rows = settings.map((each) => [each.setting, valueOf(printer, each), sourceOf(printer, each)])
  return withHeading(printer, [heading, ...rows])
}

function valueOf(printer: Printer, { source, secret, value }: FoundSetting): string {
  if (source === 'none') return NONE
  return secret ? printer.say('value.secretSet') : (value ?? '')
}

function sourceOf(printer: Printer, { source, from, problem }: FoundSetting): string {
  const place = source === 'default' ? printer.say('value.default') : (from ?? NONE)
  return problem === undefined ? place : `${place}: ${printer.say('value.refused', { reason: problem })}`
}
