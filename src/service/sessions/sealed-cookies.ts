import { type Clock, SECOND, toInstant } from '../../model/clock.ts'
import { judgeTime } from '../jwt/compact.ts'
import type { SessionKeys } from './session-keys.ts'
import { readToken, requireForm, type TokenForm, writeToken } from './session-token.ts'

export interface SealedCookiesOptions {
  readonly keys: SessionKeys
  readonly form?: TokenForm
  readonly clock?: Clock
}

/** Values of cookies that nobody else can make (`signed`), nor read (`encrypted`), each bound to the cookie's name. */
export class SealedCookies {
  readonly #keys: SessionKeys
  readonly #form: TokenForm
  readonly #clock: Clock

  /** Throws CONFIG_REFUSED. */
  constructor({ keys, form = 'signed', clock = () => toInstant(Date.now()) }: SealedCookiesOptions) {
    requireForm(keys, form)
    this.#keys = keys
    this.#form = form
    this.#clock = clock
  }

  seal(name: string, value: string, maxAgeSeconds: number): Promise<string> {
    const exp = Math.floor(this.#clock() / SECOND) + maxAgeSeconds
    return writeToken(this.#keys, { purpose: 'cookie', form: this.#form }, { name, value, exp })
  }

  /** `undefined` for what was not sealed here, under another name, or is over. */
  async open(name: string, text: string): Promise<string | undefined> {
    const claims = await readToken(this.#keys, 'cookie', text)
    if (typeof claims === 'string' || claims['name'] !== name) return undefined
    const { value } = claims
    const isNow = judgeTime(claims, this.#clock() / SECOND, 0) === 'now'
    return isNow && typeof value === 'string' ? value : undefined
  }
}
