import { resolve } from 'node:path'
import type { RunningServer, SealChoice } from '../../app.ts'
import { MAX_TOKEN_CHARACTERS } from '../../model/limits.ts'
import type { CommandRow, OptionRow } from '../command-row.ts'
import { type ExitCode, OK } from '../exit-code.ts'
import { chooseBackupSchedule, SCHEDULE_FILE } from '../input/backup-schedule.ts'
import { readLimitedFile } from '../input/read-limited.ts'
import type { Invocation } from '../invocation.ts'
import { SEAL_OPTIONS } from '../line/option-rows.ts'
import { chooseDatabase } from '../input/store-setting.ts'
import { chooseCache } from '../input/cache-setting.ts'
import { readServerOptions } from '../setting/server-options.ts'
import { requireFolder, shellQuote } from '../place.ts'
import type { Printer } from '../output/printer.ts'
import { writeTo } from '../output/terminal.ts'
import { chooseNewSeal, chooseProvider, chooseStoredSeal } from '../input/seal-choice.ts'
import { isInitialised, type StorePlace } from './operator-commands.ts'

/** What stands for a setting, on this command line. */
export const SERVER_OPTIONS: readonly OptionRow[] = [
  { flags: '--host <address>', help: 'option.host' },
  { flags: '--port <number>', help: 'option.port' },
  { flags: '--log-level <level>', help: 'option.logLevel' },
  { flags: '--workers <number>', help: 'option.workers' },
  { flags: '--tls-cert <file>', help: 'option.tlsCert' },
  { flags: '--tls-key <file>', help: 'option.tlsKey' },
  { flags: '--tls-client-ca <file>', help: 'option.tlsClientCa' },
  { flags: '--tls-client-crl <file>', help: 'option.tlsClientCrl' },
  { flags: '--tls-min <version>', help: 'option.tlsMin', choices: ['1.2', '1.3'] },
]

export const serveCommand: CommandRow = {
  path: ['serve'],
  summary: 'command.serve',
  options: [
    ...SERVER_OPTIONS,
    SCHEDULE_FILE,
    { flags: '--show-token', help: 'option.showToken' },
    ...SEAL_OPTIONS,
  ],
  run: runServe,
}

async function runServe(invocation: Invocation): Promise<ExitCode> {
  const { options, printer, terminal } = invocation
  const dataDir = requireFolder(options, terminal.environment, 'coffre serve')
  const [{ readSettings }, { serve }] = await Promise.all([import('../../config.ts'), import('../../app.ts')])
  const settings = readSettings({ ...terminal.environment, ...readServerOptions(options) })
  const place = { dataDir, ...(await chooseDatabase(invocation)) }
  const seal = await chooseSeal(invocation, place)
  const { host, port, logLevel, tls, docs, streams, trustedProxies, issuers, providers, workers } = settings
  const choice = { ...(seal === undefined ? {} : { seal }), ...(tls === undefined ? {} : { tls }) }
  const http = { host, port, logLevel, docs, streams, trustedProxies, issuers, providers, workers }
  const cache = await chooseCache(invocation)
  const backups = await chooseBackupSchedule(invocation)
  const server = await serve({ ...place, createIfMissing: true, cache, ...backups, ...http, ...choice })
  await tellStart(invocation, server)
  await untilStopped()
  await printer.note('done.stopping')
  await server.close()
  return OK
}

/** A passphrase is asked for only where it will seal a new Coffre; a stored one waits for `unseal`. */
async function chooseSeal(invocation: Invocation, place: StorePlace): Promise<SealChoice | undefined> {
  const stored = await chooseStoredSeal(invocation)
  if (stored !== undefined || chooseProvider(invocation) !== 'passphrase') return stored
  return (await isInitialised(place)) ? undefined : chooseNewSeal(invocation)
}

async function tellStart({ options, printer, terminal }: Invocation, server: RunningServer): Promise<void> {
  const { url, sealed, initialisedNow, firstTokenFile } = server
  const shown = options.flag('show-token') ? { firstToken: await readToken(firstTokenFile) } : {}
  await printer.done({ url, sealed, initialisedNow, firstTokenFile, ...shown }, 'done.listening', { url })
  await printer.note('done.firstToken', { file: firstTokenFile })
  if (shown.firstToken !== undefined && !printer.json) await writeTo(terminal.stdout, `${shown.firstToken}\n`)
  if (sealed) await printer.note('done.startedSealed')
  else await tellCommands(printer, server)
}

/** Only when it is asked for: a screen is read, kept and shared. */
async function readToken(file: string): Promise<string> {
  const limit = { name: file, maximumBytes: MAX_TOKEN_CHARACTERS }
  return Buffer.from(await readLimitedFile(file, limit))
    .toString('latin1')
    .trim()
}

/** Where npm started us, `coffre` alone need not be on the PATH. */
const COMMAND_OF_SCRIPT: Readonly<Record<string, string>> = {
  start: 'npm run -s coffre --',
  npx: 'npx coffre',
}

/** Three commands that work as they stand: on the first start, and when keys exist already. */
async function tellCommands(printer: Printer, server: RunningServer): Promise<void> {
  await printer.note('done.tryThis')
  const coffre = COMMAND_OF_SCRIPT[process.env['npm_lifecycle_event'] ?? ''] ?? 'coffre'
  const lines = [
    `export COFFRE_ADDR=${server.url} COFFRE_TOKEN_FILE=${shellQuote(resolve(server.firstTokenFile))}`,
    server.initialisedNow ? `${coffre} key create demo` : `${coffre} key list`,
    server.initialisedNow ? `echo bonjour | ${coffre} encrypt demo` : `${coffre} status`,
    `${coffre} audit log verify`,
  ]
  for (const line of lines) await printer.line(`  ${line}`)
}

function untilStopped(): Promise<void> {
  return new Promise((resolve) => {
    process.once('SIGINT', () => resolve())
    process.once('SIGTERM', () => resolve())
  })
}
