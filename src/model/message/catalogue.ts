import type { ErrorCode } from '../errors.ts'
import type { en } from './en.ts'

export const LANGUAGES = ['en', 'fr', 'de'] as const

export type Language = (typeof LANGUAGES)[number]

export function isLanguage(value: unknown): value is Language {
  return LANGUAGES.some((language) => language === value)
}

export type MessageKey = keyof typeof en

export type Messages = Readonly<Record<MessageKey, string>>

/** The two texts of an error. English is the table itself (model/errors.ts). */
export interface ErrorText {
  readonly sentence: string
  readonly next: string
}

export type ErrorTexts = Readonly<Record<ErrorCode, ErrorText>>

export interface Catalogue {
  readonly language: Language
  readonly messages: Messages
  readonly errors: ErrorTexts
}

type PlaceholderOf<Text extends string> = Text extends `${string}{${infer Name}}${infer Rest}`
  ? Name | PlaceholderOf<Rest>
  : never

type PlaceholderIn<Key extends MessageKey> = PlaceholderOf<(typeof en)[Key]>

/** The values of a message: none, or exactly its placeholders. */
export type MessageValues<Key extends MessageKey> = [PlaceholderIn<Key>] extends [never]
  ? []
  : [values: Readonly<Record<PlaceholderIn<Key>, string | number>>]

/** `catalogue`'s text of `key` with its placeholders filled. Values are inserted as they are. */
export function formatMessage<Key extends MessageKey>(
  catalogue: Catalogue,
  key: Key,
  ...given: MessageValues<Key>
): string {
  return fillPlaceholders(catalogue.messages[key], given[0] ?? {})
}

export function fillPlaceholders(text: string, values: Readonly<Record<string, string | number>>): string {
  return text.replaceAll(/\{([a-zA-Z]+)\}/g, (whole, name: string) => String(values[name] ?? whole))
}
