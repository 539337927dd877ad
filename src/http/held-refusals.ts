import { setTimeout } from 'node:timers/promises'
import { CoffreError } from '../model/errors.ts'

const HOLD_MS = 500
/** Each holds a socket and what Node has read ahead, 64 KiB at most. */
const MAX_HELD = 256

/**
 * Whoever goes on after RATE_LIMITED hears it later, and nothing of theirs is read meanwhile: a loop of refusals costs
 * the server as little as the sender has connections. They had to wait for longer anyway.
 */
export class HeldRefusals {
  #held = 0

  mayHold(error: unknown): boolean {
    return error instanceof CoffreError && error.code === 'RATE_LIMITED' && this.#held < MAX_HELD
  }

  async hold(): Promise<void> {
    this.#held += 1
    await setTimeout(HOLD_MS, undefined, { ref: false })
    this.#held -= 1
  }
}
