import type { OptionRow } from '../command-row.ts'
import { SEAL_PROVIDERS } from '../input/seal-choice.ts'

/** Understood before and after every command. */
export const globalOptions: readonly OptionRow[] = [
  { flags: '--data-dir <folder>', help: 'option.dataDir' },
  { flags: '--database-url <url>', help: 'option.databaseUrl' },
  { flags: '--addr <url>', help: 'option.addr' },
  { flags: '--token-file <file>', help: 'option.tokenFile' },
  { flags: '--passphrase-file <file>', help: 'option.passphraseFile' },
  { flags: '--share-file <file>', help: 'option.shareFile', repeats: true },
  { flags: '--insecure-http', help: 'option.insecureHttp' },
  { flags: '--ca-cert <file>', help: 'option.caCert' },
  { flags: '--client-cert <file>', help: 'option.clientCert' },
  { flags: '--client-key <file>', help: 'option.clientKey' },
  { flags: '--json', help: 'option.json' },
  { flags: '-q, --quiet', help: 'option.quiet' },
  { flags: '--no-color', help: 'option.noColor' },
  { flags: '--lang <language>', help: 'option.lang' },
]

export const DRY_RUN: OptionRow = { flags: '--dry-run', help: 'option.dryRun' }
export const YES: OptionRow = { flags: '-y, --yes', help: 'option.yes' }
export const IN: OptionRow = { flags: '--in <file>', help: 'option.in' }
export const OUT: OptionRow = { flags: '--out <file>', help: 'option.out' }
export const FORCE: OptionRow = { flags: '--force', help: 'option.force' }
export const LINES: OptionRow = { flags: '--lines', help: 'option.lines' }
export const RAW: OptionRow = { flags: '--raw', help: 'option.raw' }
export const CONTEXT: OptionRow = { flags: '--context <name=value>', help: 'option.context', repeats: true }
export const KEY_VERSION: OptionRow = { flags: '--key-version <number>', help: 'option.keyVersion' }

export const SEAL_OPTIONS: readonly OptionRow[] = [
  { flags: '--seal <provider>', help: 'option.seal', choices: SEAL_PROVIDERS },
  { flags: '--seal-file <file>', help: 'option.sealFile' },
  { flags: '--seal-variable <name>', help: 'option.sealVariable' },
]
