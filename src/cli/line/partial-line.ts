import type { MessageKey } from '../../model/message/catalogue.ts'
import type { ArgumentRow, CommandRow, OptionRow } from '../command-row.ts'
import { OptionReader } from './option-reader.ts'

/** What has names that a place can list. `version` is of the key that stands before it. */
export type NameKind = 'key' | 'version' | 'token' | 'policy' | 'login-role' | 'user'

/** By what the help says of a value, which is the same wherever the value is the same. */
const KIND_BY_HELP: Partial<Record<MessageKey, NameKind>> = {
  'argument.key': 'key',
  'argument.sourceKey': 'key',
  'option.toKey': 'key',
  'option.doctorKey': 'key',
  'option.after': 'key',
  'argument.version': 'version',
  'option.keyVersion': 'version',
  'argument.tokenId': 'token',
  'argument.tokenIdOrSelf': 'token',
  'option.tokenTested': 'token',
  'argument.policy': 'policy',
  'option.policy': 'policy',
  'option.grantPolicy': 'policy',
  'argument.loginRole': 'login-role',
  'option.loginRole': 'login-role',
  'argument.user': 'user',
  'option.apiKeyUser': 'user',
}

const MAKES_A_NAME = /^(key|token|policy|login-role|user) (create|import)$/

/** A command line as far as the cursor. */
export interface PartialLine {
  readonly options: OptionReader
  /** What is written of the word at the cursor. */
  readonly prefix: string
  readonly wanted: Wanted
}

export type Wanted =
  | { readonly kind: 'nothing' }
  | { readonly kind: 'choices'; readonly choices: readonly string[] }
  | { readonly kind: 'names'; readonly of: NameKind; readonly key: string | undefined }

const NOTHING: Wanted = { kind: 'nothing' }

/** `words` without `coffre`; the last is the one at the cursor, and may be empty. */
export function readPartialLine(
  words: readonly string[],
  rows: readonly CommandRow[],
  globals: readonly OptionRow[],
): PartialLine {
  const [before, prefix] = [words.slice(0, -1), words.at(-1) ?? '']
  const walk = new Walk(rows, globals)
  for (const word of before) walk.take(word)
  return { options: new OptionReader(walk.options), prefix, wanted: walk.wanted(prefix) }
}

/** Whether some value of this command may be completed by asking. */
export function hasCandidates(row: CommandRow): boolean {
  const values: readonly (ArgumentRow | OptionRow)[] = [...(row.arguments ?? []), ...(row.options ?? [])]
  return values.some((value) => value.choices !== undefined || kindOf(value, row) !== undefined)
}

class Walk {
  readonly options: Record<string, string | true> = {}
  readonly #rows: readonly CommandRow[]
  readonly #globals: readonly OptionRow[]
  readonly #path: string[] = []
  readonly #values: string[] = []
  /** An option that still lacks its value. */
  #open: OptionRow | undefined

  constructor(rows: readonly CommandRow[], globals: readonly OptionRow[]) {
    this.#rows = rows
    this.#globals = globals
  }

  take(word: string): void {
    if (this.#open !== undefined) {
      this.options[fieldOf(this.#open)] = word
      this.#open = undefined
    } else if (word.startsWith('-') && word !== '-') this.#takeOption(word)
    else if (this.#row === undefined) this.#path.push(word)
    else this.#values.push(word)
  }

  wanted(prefix: string): Wanted {
    const row = this.#row
    if (row === undefined || (this.#open === undefined && prefix.startsWith('-'))) return NOTHING
    const value = this.#open ?? row.arguments?.[this.#values.length]
    if (value === undefined) return NOTHING
    if (value.choices !== undefined) return { kind: 'choices', choices: value.choices }
    const of = kindOf(value, row)
    return of === undefined ? NOTHING : { kind: 'names', of, key: this.#values[0] }
  }

  get #row(): CommandRow | undefined {
    const path = this.#path.join(' ')
    return this.#rows.find((row) => row.path.join(' ') === path)
  }

  #takeOption(word: string): void {
    const [name = '', ...rest] = word.split('=')
    const option = [...(this.#row?.options ?? []), ...this.#globals].find(({ flags }) =>
      flags.split(/[\s,]+/).includes(name),
    )
    if (option === undefined) return
    if (!option.flags.includes('<')) this.options[fieldOf(option)] = true
    else if (rest.length > 0) this.options[fieldOf(option)] = rest.join('=')
    else this.#open = option
  }
}

/** What is to be made has no name yet. */
function kindOf(value: ArgumentRow | OptionRow, row: CommandRow): NameKind | undefined {
  const isNew = 'syntax' in value && MAKES_A_NAME.test(row.path.join(' '))
  return isNew ? undefined : KIND_BY_HELP[value.help]
}

/** As commander keeps it. */
function fieldOf({ flags }: OptionRow): string {
  const name = /--([a-z-]+)/.exec(flags)?.[1] ?? ''
  return name.replaceAll(/-([a-z])/g, (_, letter: string) => letter.toUpperCase())
}
