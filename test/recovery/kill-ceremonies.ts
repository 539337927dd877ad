import { setImmediate } from 'node:timers/promises'
import type { NewSealRequest } from '../../src/model/ceremony.ts'
import type { Coffre } from '../../src/model/coffre.ts'
import { hasCode } from '../../src/model/errors.ts'
import { Secret } from '../../src/model/secret.ts'
import type { JournalWriter } from './kill-journal.ts'
import { type OpenedPlace, PASSPHRASES } from './kill-place.ts'

/** Of the attempts; the others are rekeys. */
const ROTATIONS = 0.6
/** A passphrase is slow to check on purpose, so most rekeys are between the key file and the environment. */
const TO_PASSPHRASE = 0.2

/** Changes the seal and the root key of a Coffre that others use meanwhile, for as long as it lives. */
export class CeremonyLane {
  readonly #coffre: Coffre
  readonly #journal: JournalWriter
  readonly #draw: () => number
  #passphrase: Secret | undefined

  constructor(opened: OpenedPlace, journal: JournalWriter, draw: () => number) {
    this.#coffre = opened.coffre
    this.#passphrase = opened.passphrase
    this.#journal = journal
    this.#draw = draw
  }

  async attempt(): Promise<void> {
    try {
      await (this.#draw() < ROTATIONS ? this.#rotateRoot() : this.#rekey())
    } catch (error) {
      // The sweep of the rotation before has not ended.
      if (!hasCode(error, 'CEREMONY_UNDER_WAY')) throw error
      await setImmediate()
    }
  }

  async #rotateRoot(): Promise<void> {
    this.#journal.write({ ask: 'root.rotate' })
    const { nonce, phase } = await this.#coffre.operator.ceremonies.begin({ kind: 'rotate-root' })
    await this.#authorize(nonce, phase)
    this.#journal.write({ got: 'root.rotate' })
  }

  async #rekey(): Promise<void> {
    const seal = this.#chooseSeal((await this.#coffre.operator.status()).sealProvider)
    this.#journal.write({ ask: 'seal.rekey' })
    const { nonce, phase } = await this.#coffre.operator.ceremonies.begin({ kind: 'rekey', seal })
    await this.#authorize(nonce, phase)
    this.#passphrase = seal.provider === 'passphrase' ? seal.passphrase : undefined
    this.#journal.write({ got: 'seal.rekey' })
  }

  /** Where a passphrase seals, somebody who knows it has to agree. */
  async #authorize(nonce: string, phase: string): Promise<void> {
    if (phase !== 'authorize') return
    await this.#coffre.operator.ceremonies.give({ nonce, passphrase: this.#passphrase })
  }

  #chooseSeal(present: string | undefined): NewSealRequest {
    if (this.#draw() < TO_PASSPHRASE) {
      const other = PASSPHRASES.find((text) => text !== this.#passphrase?.reveal())
      return { provider: 'passphrase', passphrase: new Secret(other ?? PASSPHRASES[0]) }
    }
    return { provider: present === 'file' ? 'environment' : 'file' }
  }
}
