import type { MessageKey, MessageValues } from '../model/message/catalogue.ts'

type UsageKey = Extract<
  MessageKey,
  `usage.${string}` | 'error.interrupted' | 'error.stopped' | 'prompt.passphraseDiffers'
>

/** The command line asked for something that it cannot have. Its text is in the reader's language. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
  readonly key: UsageKey
  readonly values: Readonly<Record<string, string | number>>

  private constructor(key: UsageKey, values: Readonly<Record<string, string | number>>) {
    super(key)
    this.key = key
    this.values = values
  }

  static of<Key extends UsageKey>(key: Key, ...given: MessageValues<Key>): UsageError {
    return new UsageError(key, given[0] ?? {})
  }
}
