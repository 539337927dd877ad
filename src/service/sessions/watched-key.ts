import type { Clock, Instant } from '../../model/clock.ts'
import type { Coffre, KeyVersionView, KeyView } from '../../model/coffre.ts'
import { CoffreError } from '../../model/errors.ts'

/** Within this a rotation, a suspension or a compromise is known to every application. */
const FRESH_MS = 2_000
/** A token names a version that is not known: it may be new, and it may be made up. */
const MIN_REFRESH_MS = 250

export interface WatchedKeyParts {
  readonly coffre: Pick<Coffre, 'keys'>
  /** The name of the key. */
  readonly key: string
  readonly clock: Clock
}

/** A key of Coffre as an application sees it, looked at again when what is known of it is old. */
export class WatchedKey {
  readonly #parts: WatchedKeyParts
  readonly #algorithms: readonly string[]
  #seen: { readonly view: KeyView; readonly at: Instant } | undefined

  constructor(parts: WatchedKeyParts, algorithms: readonly string[]) {
    this.#parts = parts
    this.#algorithms = algorithms
  }

  /** Throws KEY_NOT_FOUND, and PURPOSE_MISMATCH for another kind of key. */
  view(): Promise<KeyView> {
    return this.#look(FRESH_MS)
  }

  /** The version that a token names, where that may verify. */
  async findVerifying(kid: string): Promise<KeyVersionView | undefined> {
    const seen = await this.#look(FRESH_MS)
    const known = findVersion(seen, kid)
    if (known === undefined && !isNext(seen, kid)) return undefined
    const isMaybeNew = known === undefined || isPrepared(seen, known)
    const view = isMaybeNew ? await this.#look(MIN_REFRESH_MS) : seen
    const version = findVersion(view, kid)
    return version !== undefined && mayVerify(view, version) ? version : undefined
  }

  /** It was rotated since it was looked at. */
  forget(): void {
    this.#seen = undefined
  }

  async #look(maxAge: number): Promise<KeyView> {
    const { coffre, key, clock } = this.#parts
    const now = clock()
    if (this.#seen !== undefined && now - this.#seen.at < maxAge) return this.#seen.view
    const view = await coffre.keys.get(key)
    if (!this.#algorithms.includes(view.algorithm)) {
      throw new CoffreError('PURPOSE_MISMATCH', { facts: { algorithm: view.algorithm } })
    }
    this.#seen = { view, at: now }
    return view
  }
}

/** docs/spec/session.md: keys of Coffre are named `<key id>.<version>`. */
export function toKid({ id }: KeyView, version: number): string {
  return `${id}.${version}`
}

function findVersion(view: KeyView, kid: string): KeyVersionView | undefined {
  return view.versions.find(({ version }) => toKid(view, version) === kid)
}

/** Whether it can be a version that another process has just made. */
function isNext(view: KeyView, kid: string): boolean {
  return kid === toKid(view, view.versions.length + 1)
}

/** NIST SP 800-57 Part 1 Rev. 5, section 7, as `keyring/lifecycle.ts` has it. */
export function mayVerify(view: KeyView, { version, state }: KeyVersionView): boolean {
  return view.destroyAt === undefined && version >= view.floor && ['active', 'deactivated'].includes(state)
}

/** It signs nothing yet. */
export function isPrepared(view: KeyView, { version, state }: KeyVersionView): boolean {
  return view.destroyAt === undefined && version >= view.floor && state === 'pre-activation'
}
