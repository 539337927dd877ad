import { z } from 'zod'
import { CoffreError } from './model/errors.ts'

/** Not Vault's 8200, so that both run on one machine. */
export const DEFAULT_PORT = 8250
const DEFAULT_DATA_DIR = './coffre-data'

const SETTINGS = z.object({
  COFFRE_DATA_DIR: z.string().min(1).default(DEFAULT_DATA_DIR),
  COFFRE_HOST: z.string().min(1).default('127.0.0.1'),
  COFFRE_PORT: z.coerce.number().int().min(0).max(65_535).default(DEFAULT_PORT),
  COFFRE_LOG_LEVEL: z.enum(['trace', 'debug', 'info', 'warn', 'error', 'silent']).default('info'),
  COFFRE_SEAL: z.enum(['file', 'environment', 'passphrase']).optional(),
  COFFRE_SEAL_KEY_PATH: z.string().min(1).optional(),
  COFFRE_ALLOW_REMOTE: z.enum(['0', '1']).default('0'),
})

export interface Settings {
  readonly dataDir: string
  readonly host: string
  /** 0: any free port. */
  readonly port: number
  readonly logLevel: string
  /** Absent: as the store was sealed; a key file for a new one. */
  readonly sealProvider?: 'file' | 'environment' | 'passphrase'
  readonly sealKeyPath?: string
  /** TLS is not built in yet, so an address beyond this machine must be asked for by name. */
  readonly allowRemote: boolean
}

/** Reads every setting from the environment. Throws CONFIG_REFUSED that names all that are wrong. */
export function readSettings(environment: Readonly<Record<string, string | undefined>>): Settings {
  const parsed = SETTINGS.safeParse(environment)
  if (!parsed.success) {
    const facts = Object.fromEntries(
      parsed.error.issues.map((issue) => [issue.path.join('.'), issue.message]),
    )
    throw new CoffreError('CONFIG_REFUSED', { facts })
  }
  const { data } = parsed
  const settings: Settings = {
    dataDir: data.COFFRE_DATA_DIR,
    host: data.COFFRE_HOST,
    port: data.COFFRE_PORT,
    logLevel: data.COFFRE_LOG_LEVEL,
    ...(data.COFFRE_SEAL === undefined ? {} : { sealProvider: data.COFFRE_SEAL }),
    ...(data.COFFRE_SEAL_KEY_PATH === undefined ? {} : { sealKeyPath: data.COFFRE_SEAL_KEY_PATH }),
    allowRemote: data.COFFRE_ALLOW_REMOTE === '1',
  }
  requireLoopback(settings)
  return settings
}

const LOOPBACK = /^(127(\.\d{1,3}){3}|::1|localhost)$/

export function isLoopback(host: string): boolean {
  return LOOPBACK.test(host)
}

function requireLoopback(settings: Settings): void {
  if (isLoopback(settings.host) || settings.allowRemote) return
  throw new CoffreError('CONFIG_REFUSED', {
    facts: { COFFRE_HOST: 'a loopback address, or COFFRE_ALLOW_REMOTE=1 behind a TLS proxy' },
  })
}
