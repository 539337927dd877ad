import type { Ceremonies, CeremonyView } from '../../model/ceremony.ts'
import { CoffreError } from '../../model/errors.ts'
import { MAX_SHARE_CHARACTERS } from '../../model/limits.ts'
import { Secret } from '../../model/secret.ts'
import type { Invocation } from '../invocation.ts'
import { canAsk } from '../output/terminal.ts'
import { askHidden } from './prompt.ts'
import { readLimited, readLimitedFile } from './read-limited.ts'
import { readPassphrase } from './secret-setting.ts'

/** Every `--share-file` in order; `-` is standard input. A file holds one share, as text or as words. */
export async function readShares(invocation: Invocation): Promise<readonly Secret[]> {
  const shares: Secret[] = []
  for (const path of invocation.options.list('share-file')) {
    const limit = { name: '--share-file', maximumBytes: MAX_SHARE_CHARACTERS }
    const bytes =
      path === '-' ? await readLimited(invocation.terminal.stdin, limit) : await readLimitedFile(path, limit)
    shares.push(new Secret(Buffer.from(bytes).toString('utf8').trim()))
  }
  return shares
}

/** One secret of the present seal at a time: from files first, then from a person. `undefined`: there is none. */
export class SecretQueue {
  readonly #invocation: Invocation
  #shares: Secret[] | undefined
  #passphrase: Secret | undefined
  #passphraseRead = false

  constructor(invocation: Invocation) {
    this.#invocation = invocation
  }

  async nextShare(view: CeremonyView): Promise<Secret | undefined> {
    this.#shares ??= [...(await readShares(this.#invocation))]
    const { printer, terminal } = this.#invocation
    const next = this.#shares.shift()
    if (next !== undefined || !canAsk(terminal)) return next
    await printer.note('done.shareProgress', { given: view.given ?? 0, needed: view.needed ?? 0 })
    return new Secret(await askHidden(printer, 'prompt.share'))
  }

  async passphrase(): Promise<Secret | undefined> {
    if (!this.#passphraseRead) {
      this.#passphraseRead = true
      this.#passphrase = await readPassphrase(this.#invocation)
      if (this.#passphrase !== undefined) return this.#passphrase
    }
    const { printer, terminal } = this.#invocation
    return canAsk(terminal) ? new Secret(await askHidden(printer, 'prompt.passphrase')) : undefined
  }
}

/** Gives what authorises until that phase is over, or nobody has more to give. */
export async function giveUntilAuthorised(
  ceremonies: Ceremonies,
  begun: { readonly nonce: string; readonly view: CeremonyView; readonly seal: string | undefined },
  secrets: SecretQueue,
): Promise<CeremonyView> {
  const { nonce, seal } = begun
  let { view } = begun
  while (view.phase === 'authorize') {
    const isShares = seal === 'shamir'
    const secret = isShares ? await secrets.nextShare(view) : await secrets.passphrase()
    if (secret === undefined) return view
    view = await ceremonies.give(isShares ? { nonce, share: secret } : { nonce, passphrase: secret })
  }
  return view
}

/** Where people cannot be asked, a mistake ends the command; at a terminal they try again. */
export function isMistypedShare(error: unknown): boolean {
  const codes = new Set(['SHARE_INVALID', 'SHARE_FOREIGN', 'SHARE_REPEATED'])
  return error instanceof CoffreError && codes.has(error.code)
}
