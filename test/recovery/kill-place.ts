import { openCoffre } from '../../src/app.ts'
import type { Coffre } from '../../src/model/coffre.ts'
import { type ErrorCode, hasCode } from '../../src/model/errors.ts'
import { Secret } from '../../src/model/secret.ts'

/** Where a Coffre that is killed keeps its data. */
export interface Place {
  readonly dataDir: string
  readonly databaseUrl?: string
}

export interface OpenedPlace {
  readonly coffre: Coffre
  /** What opened it, where a passphrase did. */
  readonly passphrase: Secret | undefined
}

/** What a rekey of the load may choose from; whoever opens a place knows them all. */
export const PASSPHRASES = ['correct horse battery staple', 'staple battery horse correct'] as const
const ENVIRONMENT = { COFFRE_SEAL_KEY: Buffer.alloc(32, 7).toString('base64') }
const NEXT_SECRET: readonly ErrorCode[] = ['SEAL_KEY_MISSING', 'PASSPHRASE_WRONG']

/** Under whichever seal a kill has left: a key file, the environment or one of the passphrases. */
export async function openAt(place: Place): Promise<OpenedPlace> {
  const options = { ...place, createIfMissing: true, environment: ENVIRONMENT }
  for (const text of [undefined, ...PASSPHRASES]) {
    const passphrase = text === undefined ? undefined : new Secret(text)
    const seal = passphrase && { seal: { provider: 'passphrase', passphrase } as const }
    try {
      return { coffre: await openCoffre({ ...options, ...seal }), passphrase }
    } catch (error) {
      const isLast = text === PASSPHRASES.at(-1)
      if (isLast || !NEXT_SECRET.some((code) => hasCode(error, code))) throw error
    }
  }
  throw new Error('unreachable: the last one threw')
}
