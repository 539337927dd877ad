import type { SealChoice } from '../../app.ts'
import { CoffreError } from '../../model/errors.ts'
import type { Secret } from '../../model/secret.ts'
import type { Invocation } from '../invocation.ts'
import { askNewPassphrase } from './prompt.ts'
import { readPassphrase } from './secret-setting.ts'
import { keepShares, readQuorum, requireSharePlace } from '../output/share-files.ts'
import { canAsk } from '../output/terminal.ts'
import { readShares } from './read-share.ts'

export const SEAL_PROVIDERS = ['file', 'environment', 'passphrase', 'shamir'] as const

type SealProviderName = (typeof SEAL_PROVIDERS)[number]

/** For a new Coffre: what --seal or COFFRE_SEAL names, else `fallback`. */
export async function chooseNewSeal(
  invocation: Invocation,
  fallback: SealProviderName = 'file',
): Promise<SealChoice> {
  const provider = chooseProvider(invocation) ?? fallback
  if (provider === 'shamir') return newShares(invocation)
  if (provider === 'file') return fileChoice(invocation)
  if (provider === 'environment') return environmentChoice(invocation)
  const passphrase = await readPassphrase(invocation)
  if (passphrase !== undefined) return { provider, passphrase }
  if (canAsk(invocation.terminal)) return { provider, passphrase: await askNewPassphrase(invocation.printer) }
  throw new CoffreError('SEAL_KEY_MISSING', { facts: { setting: 'COFFRE_PASSPHRASE_FILE' } })
}

/** For a stored Coffre: only what its own provider may need. */
export async function chooseStoredSeal(invocation: Invocation): Promise<SealChoice | undefined> {
  const provider = chooseProvider(invocation)
  const passphrase = await readPassphrase(invocation)
  if (passphrase !== undefined && (provider ?? 'passphrase') === 'passphrase') {
    return { provider: 'passphrase', passphrase }
  }
  if (provider === 'environment') return environmentChoice(invocation)
  const shares = await readShares(invocation)
  if (shares.length > 0) return { provider: 'shamir', shares }
  const choice = fileChoice(invocation)
  return choice.path === undefined ? undefined : choice
}

async function newShares(invocation: Invocation): Promise<SealChoice> {
  const quorum = readQuorum(invocation)
  await requireSharePlace(invocation)
  const keep = async (shares: readonly Secret[]) => {
    await keepShares(invocation, shares)
  }
  return { provider: 'shamir', quorum, keepShares: keep }
}

export function chooseProvider({ options, terminal }: Invocation): SealProviderName | undefined {
  const asked = options.choice('seal', SEAL_PROVIDERS)
  if (asked !== undefined) return asked
  if (options.text('seal-file') !== undefined) return 'file'
  if (options.text('seal-variable') !== undefined) return 'environment'
  const variable = terminal.environment['COFFRE_SEAL'] ?? ''
  if (variable === '') return undefined
  const found = SEAL_PROVIDERS.find((name) => name === variable)
  if (found !== undefined) return found
  const facts = { setting: 'COFFRE_SEAL', expected: SEAL_PROVIDERS.join(', ') }
  throw new CoffreError('CONFIG_REFUSED', { facts })
}

function fileChoice({ options, terminal }: Invocation): { provider: 'file'; path?: string } {
  const path = options.text('seal-file') ?? terminal.environment['COFFRE_SEAL_KEY_PATH'] ?? ''
  return path === '' ? { provider: 'file' } : { provider: 'file', path }
}

function environmentChoice({ options }: Invocation): SealChoice {
  const variable = options.text('seal-variable')
  return { provider: 'environment', ...(variable === undefined ? {} : { variable }) }
}
