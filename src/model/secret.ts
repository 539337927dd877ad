const REDACTED = '[secret]'
const inspectCustom = Symbol.for('nodejs.util.inspect.custom')

/**
 * A value that a user stores or sends: a token, a passphrase, a plaintext. It shows itself nowhere: not in
 * logs, JSON, template literals, spread, inspect or structuredClone. `reveal` is the one way out.
 */
export class Secret<Value extends string | Uint8Array = string> {
  readonly #value: Value

  constructor(value: Value) {
    this.#value = value
  }

  reveal(): Value {
    return this.#value
  }

  toString(): string {
    return REDACTED
  }

  toJSON(): string {
    return REDACTED
  }

  [Symbol.toPrimitive](): string {
    return REDACTED
  }

  [inspectCustom](): string {
    return REDACTED
  }
}
