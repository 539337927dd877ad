import { join } from 'node:path'
import type { OptionReader } from '../line/option-reader.ts'
import type { Environment } from '../output/terminal.ts'
import { chooseLanguage } from '../language.ts'
import { folderOf } from '../place.ts'
import { SECRET_SETTINGS } from '../input/secret-setting.ts'
import { SERVER_SETTINGS } from './server-options.ts'

/** One setting: where it may be given, and what counts where it is not. */
export interface SettingRow {
  readonly variable: string
  /** The option that comes before it, without dashes. */
  readonly option?: string
  /**
   * `secret`: never shown; `<variable>_FILE`, or the option, names a file that has it. `hidden`: never shown, and in no file.
   * `address`: shown where it can hold no password.
   */
  readonly kind?: 'secret' | 'hidden' | 'address'
  /** Absent: nothing counts where it is not given. */
  readonly fallback?: (place: SettingPlace) => string | undefined
}

export interface SettingPlace {
  readonly options: OptionReader
  readonly environment: Environment
}

/** Of other options than the server's, for settings of config.ts. */
const OPTIONS: Readonly<Record<string, string>> = {
  ...Object.fromEntries(SERVER_SETTINGS.map(([option, variable]) => [variable, option])),
  COFFRE_DATA_DIR: 'data-dir',
  COFFRE_SEAL: 'seal',
  COFFRE_SEAL_KEY_PATH: 'seal-file',
}

const FALLBACKS: Readonly<Record<string, SettingRow['fallback']>> = {
  COFFRE_SEAL_KEY_PATH: ({ options, environment }) => join(folderOf(options, environment), 'seal.key'),
}

/** What config.ts checks; its defaults come from there. */
export function serverRows(defaults: Readonly<Record<string, string | undefined>>): readonly SettingRow[] {
  return Object.keys(defaults).map((variable) => {
    const option = OPTIONS[variable]
    return {
      variable,
      ...(option === undefined ? {} : { option }),
      ...(variable === 'COFFRE_PROVIDER_URLS' ? { kind: 'address' } : {}),
      fallback: FALLBACKS[variable] ?? (() => defaults[variable]),
    }
  })
}

const text = (value: string) => () => value

/** What the command line, the library and its adapters read besides. */
export const OTHER_ROWS: readonly SettingRow[] = [
  { variable: 'COFFRE_ADDR', option: 'addr', kind: 'address' },
  { variable: 'COFFRE_CACERT', option: 'ca-cert' },
  { variable: 'COFFRE_CLIENT_CERT', option: 'client-cert' },
  { variable: 'COFFRE_CLIENT_KEY', option: 'client-key' },
  ...SECRET_SETTINGS.map(({ variable, option }): SettingRow => {
    const isUrl = variable === 'COFFRE_DATABASE_URL'
    const named = isUrl ? 'database-url' : option
    return { variable, kind: 'secret', ...(named === undefined ? {} : { option: named }) }
  }),
  { variable: 'COFFRE_SEAL_KEY', kind: 'secret' },
  {
    variable: 'COFFRE_CHECKPOINT_FILE',
    fallback: ({ options, environment }) => join(folderOf(options, environment), 'audit-checkpoints'),
  },
  { variable: 'COFFRE_CACHE_CACERT' },
  { variable: 'CACHE_TTL_SECONDS', fallback: text('86400') },
  { variable: 'CACHE_TTL_SECONDS_BY_TYPE' },
  { variable: 'COFFRE_BACKUP_TARGET', option: 'target', kind: 'address' },
  { variable: 'COFFRE_BACKUP_RECOVERY' },
  { variable: 'COFFRE_BACKUP_SEEN' },
  { variable: 'COFFRE_BACKUP_SCHEDULE', option: 'backup-schedule' },
  { variable: 'BACKUP_ENCRYPTION_KEY', kind: 'secret' },
  { variable: 'BACKUP_ENCRYPTION_KEY_PREVIOUS', kind: 'secret' },
  { variable: 'COFFRE_S3_ENDPOINT', kind: 'address' },
  { variable: 'COFFRE_S3_REGION' },
  { variable: 'COFFRE_S3_ACCESS_KEY_ID', kind: 'hidden' },
  { variable: 'COFFRE_S3_PATH_STYLE' },
  { variable: 'COFFRE_S3_CACERT' },
  { variable: 'FERNET_SECRET_KEY', kind: 'secret' },
  { variable: 'SECRET_KEY', kind: 'secret' },
  { variable: 'SECRET_KEY_PREVIOUS', kind: 'secret' },
  { variable: 'PGPASSWORD', kind: 'hidden' },
  { variable: 'PGPASSFILE' },
  { variable: 'COFFRE_PROJECT_DIR', option: 'project', fallback: text('.') },
  { variable: 'COFFRE_ENV' },
  { variable: 'NODE_ENV' },
  {
    variable: 'COFFRE_LANG',
    option: 'lang',
    fallback: ({ environment }) => chooseLanguage([], environment),
  },
  { variable: 'COFFRE_COMPLETE_WAIT_MS', fallback: text('300') },
  { variable: 'NO_COLOR' },
  { variable: 'FORCE_COLOR' },
]
