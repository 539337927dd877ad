import { CoffreError } from '../model/errors.ts'
import type { Secret } from '../model/secret.ts'
import { DEFAULT_VARIABLE, environmentSeal } from './environment/environment-seal.ts'
import { fileSeal } from './file/file-seal.ts'
import { passphraseSeal } from './passphrase/passphrase-seal.ts'
import type { SealProvider } from './seal-provider.ts'
import { shamirSeal } from './shamir/shamir-seal.ts'
import { formatShare, parseShare } from './shamir/share-text.ts'
import type { Share } from './shamir/share.ts'
import type { Quorum } from './shamir/split.ts'

/** How the root key is protected. */
export type SealChoice =
  | { readonly provider: 'file'; readonly path?: string }
  | { readonly provider: 'environment'; readonly variable?: string }
  | { readonly provider: 'passphrase'; readonly passphrase: Secret }
  | ShamirChoice

export interface ShamirChoice {
  readonly provider: 'shamir'
  /** Of a new Coffre, with what takes its shares before anything is stored. */
  readonly quorum?: Quorum
  readonly keepShares?: (shares: readonly Secret[]) => Promise<void>
  /** To open a stored one: enough shares, as text or words. */
  readonly shares?: readonly Secret[]
}

export interface SealSetting {
  readonly seal: SealChoice | undefined
  /** Where a key file lies unless `seal` says otherwise. */
  readonly defaultPath: string
  readonly environment: Readonly<Record<string, string | undefined>>
}

/** Joins what the caller chose with what a stored slot needs. */
export class SealChoices {
  readonly #setting: SealSetting

  constructor(setting: SealSetting) {
    this.#setting = setting
  }

  forNew(): SealProvider {
    const { seal } = this.#setting
    if (seal?.provider === 'passphrase') return passphraseSeal(seal.passphrase)
    if (seal?.provider === 'shamir') return newShamir(seal)
    return seal?.provider === 'environment' ? this.#environment() : this.#file()
  }

  readonly find = (
    name: string,
    given: { readonly passphrase?: Secret; readonly shares?: readonly Share[] } = {},
  ): SealProvider => {
    const { seal } = this.#setting
    if (name === 'file') return this.#file()
    if (name === 'environment') return this.#environment()
    if (name === 'shamir') return shamirSeal({ given: given.shares ?? readShares(seal) })
    const passphrase = given.passphrase ?? (seal?.provider === 'passphrase' ? seal.passphrase : undefined)
    if (passphrase !== undefined) return passphraseSeal(passphrase)
    throw new CoffreError('SEAL_KEY_MISSING', { facts: { setting: 'passphrase' } })
  }

  #file(): SealProvider {
    const { seal, defaultPath } = this.#setting
    const path = seal?.provider === 'file' ? seal.path : undefined
    return fileSeal(path ?? defaultPath)
  }

  #environment(): SealProvider {
    const { seal, environment } = this.#setting
    const variable = seal?.provider === 'environment' ? seal.variable : undefined
    return environmentSeal({ variable: variable ?? DEFAULT_VARIABLE, environment })
  }
}

function newShamir({ quorum, keepShares }: ShamirChoice): SealProvider {
  if (quorum === undefined || keepShares === undefined) {
    throw new CoffreError('CONFIG_REFUSED', { facts: { setting: 'shamir', expected: 'a number of shares' } })
  }
  return shamirSeal({ quorum, keep: (shares) => keepShares(shares.map(formatShare)) })
}

function readShares(seal: SealChoice | undefined): readonly Share[] {
  return seal?.provider === 'shamir' ? (seal.shares ?? []).map(parseShare) : []
}
