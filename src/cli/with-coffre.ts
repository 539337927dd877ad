import type { OpenOptions } from '../app.ts'
import { connectCoffre } from '../client/connect-coffre.ts'
import type { Coffre } from '../model/coffre.ts'
import { CoffreError } from '../model/errors.ts'
import { Secret } from '../model/secret.ts'
import type { Invocation } from './invocation.ts'
import { chooseCache } from './input/cache-setting.ts'
import { choosePlace } from './place.ts'
import { askHidden } from './input/prompt.ts'
import { chooseBackupSchedule } from './input/backup-schedule.ts'
import { chooseStoredSeal } from './input/seal-choice.ts'
import { readToken } from './input/secret-setting.ts'
import { chooseDatabase } from './input/store-setting.ts'
import { readClientTls } from './input/client-tls.ts'
import { readSavedToken } from './input/saved-token.ts'
import { canAsk } from './output/terminal.ts'

export interface OpeningRules {
  /** For what stores the key of a provider: it must come under the FERNET_SECRET_KEY that the others are under. */
  readonly needsFernetKeys?: true
  /** For what reads or erases entries: the cache server of COFFRE_CACHE_URL, where there is one. */
  readonly needsCache?: true
  /** For what goes on without: nobody is asked for a passphrase or for shares. */
  readonly asksNothing?: boolean
  /** For what shows or makes scheduled backups: the file of COFFRE_BACKUP_SCHEDULE, where there is one. */
  readonly needsBackups?: true
}

/** Opens the data folder or connects to the server, runs `work`, and closes again whatever happens. */
export async function withCoffre<Result>(
  invocation: Invocation,
  work: (coffre: Coffre) => Promise<Result>,
  rules: OpeningRules = {},
): Promise<Result> {
  const coffre = await open(invocation, rules)
  try {
    return await work(coffre)
  } finally {
    await coffre.close()
  }
}

async function open(invocation: Invocation, rules: OpeningRules): Promise<Coffre> {
  const place = choosePlace(invocation.options, invocation.terminal.environment)
  if (place.kind === 'folder') return openFolder(invocation, place.dataDir, rules)
  return connect(invocation, place.address)
}

export async function connect(invocation: Invocation, address: string): Promise<Coffre> {
  const { terminal } = invocation
  const token = (await readToken(invocation)) ?? (await readSavedToken(terminal.environment, address))
  return connectWithout(invocation, address, token)
}

/** With no token but the given one: for a login, which is there to get one. */
export async function connectWithout(
  invocation: Invocation,
  address: string,
  token?: Secret,
): Promise<Coffre> {
  const allowInsecure = invocation.options.flag('insecure-http')
  const tls = await readClientTls(invocation)
  return connectCoffre(address, token, { allowInsecure, tls })
}

async function openFolder(
  invocation: Invocation,
  dataDir: string,
  { needsFernetKeys, needsCache, needsBackups, asksNothing = false }: OpeningRules,
): Promise<Coffre> {
  // Most commands have nothing to do with keys of providers, and run in folders without their settings.
  const lost = needsFernetKeys === true ? {} : { lostFernetKeys: 'allow' as const }
  const cache = needsCache === true ? { cache: await chooseCache(invocation) } : {}
  const backups = needsBackups === true ? await chooseBackupSchedule(invocation) : {}
  const place = { dataDir, ...lost, ...cache, ...backups, ...(await chooseDatabase(invocation)) }
  return openPlace(invocation, place, { asksNothing })
}

/** Unsealed as the command line says, unless `place` says how; at a terminal, a passphrase or shares are asked for. */
export async function openPlace(
  invocation: Invocation,
  place: OpenOptions,
  { asksNothing = false }: Pick<OpeningRules, 'asksNothing'> = {},
): Promise<Coffre> {
  // Loaded here, so that everything that needs no store starts without one.
  const { openCoffre } = await import('../app.ts')
  const seal = place.seal ?? (await chooseStoredSeal(invocation))
  try {
    return await openCoffre({ ...place, ...(seal === undefined ? {} : { seal }) })
  } catch (error) {
    const needed = neededShares(error)
    if (asksNothing || !canAsk(invocation.terminal) || (needed === 0 && !wantsPassphrase(error))) throw error
    if (needed > 0) {
      const shares = await askShares(invocation, needed)
      return openCoffre({ ...place, seal: { provider: 'shamir', shares } })
    }
    const passphrase = new Secret(await askHidden(invocation.printer, 'prompt.passphrase'))
    return openCoffre({ ...place, seal: { provider: 'passphrase', passphrase } })
  }
}

async function askShares({ printer }: Invocation, needed: number): Promise<readonly Secret[]> {
  const shares: Secret[] = []
  while (shares.length < needed) {
    await printer.note('done.shareProgress', { given: shares.length, needed })
    shares.push(new Secret(await askHidden(printer, 'prompt.share')))
  }
  return shares
}

/** Of a folder that shares seal, when it got too few; 0 for every other error. */
function neededShares(error: unknown): number {
  const isMissing = error instanceof CoffreError && error.code === 'SEAL_KEY_MISSING'
  return isMissing && error.facts['setting'] === 'shares' ? Number(error.facts['needed']) : 0
}

/** The store is sealed by a passphrase, and nothing gave one. */
export function wantsPassphrase(error: unknown): boolean {
  return (
    error instanceof CoffreError &&
    error.code === 'SEAL_KEY_MISSING' &&
    error.facts['setting'] === 'passphrase'
  )
}
