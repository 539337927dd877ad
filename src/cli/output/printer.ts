import { styleText } from 'node:util'
import {
  type Catalogue,
  formatMessage,
  type MessageKey,
  type MessageValues,
} from '../../model/message/catalogue.ts'
import { JsonText } from '../../model/json-text.ts'
import { hasColours, type MaybeTerminal, type Terminal, writeTo } from './terminal.ts'

type Style = Parameters<typeof styleText>[0]

export interface PrinterOptions {
  readonly terminal: Terminal
  readonly catalogue: Catalogue
  readonly json: boolean
  readonly quiet: boolean
  readonly noColor: boolean
}

/** Results on standard output, everything said about them on standard error. */
export class Printer {
  readonly json: boolean
  readonly quiet: boolean
  readonly terminal: Terminal
  readonly catalogue: Catalogue
  readonly #noColor: boolean

  constructor(options: PrinterOptions) {
    this.terminal = options.terminal
    this.catalogue = options.catalogue
    this.json = options.json
    this.quiet = options.quiet
    this.#noColor = options.noColor
  }

  say<Key extends MessageKey>(key: Key, ...values: MessageValues<Key>): string {
    return formatMessage(this.catalogue, key, ...values)
  }

  /** A sentence for a person; silent under --quiet and --json. */
  async note<Key extends MessageKey>(key: Key, ...values: MessageValues<Key>): Promise<void> {
    if (!this.quiet && !this.json) await writeTo(this.terminal.stderr, `${this.say(key, ...values)}\n`)
  }

  /** As `note`, for what is the same in every language. */
  async line(text: string): Promise<void> {
    if (!this.quiet && !this.json) await writeTo(this.terminal.stderr, `${text}\n`)
  }

  /** The result: `view` under --json, else `lines`. */
  async show(view: object, lines: () => readonly string[]): Promise<void> {
    const text = this.json ? formatJson(view) : lines().join('\n')
    if (text !== '') await writeTo(this.terminal.stdout, `${text}\n`)
  }

  /** What a change made: the view under --json, else one sentence for a person. */
  async done<Key extends MessageKey>(view: object, key: Key, ...values: MessageValues<Key>): Promise<void> {
    if (this.json) await writeTo(this.terminal.stdout, `${formatJson(view)}\n`)
    else await this.note(key, ...values)
  }

  styleOut(style: Style, text: string): string {
    return this.#style(style, text, this.terminal.stdout)
  }

  styleError(style: Style, text: string): string {
    return this.#style(style, text, this.terminal.stderr)
  }

  #style(style: Style, text: string, stream: MaybeTerminal): string {
    const coloured = !this.#noColor && hasColours(stream, this.terminal.environment)
    return coloured ? styleText(style, text, { validateStream: false }) : text
  }
}

/** One line. Bytes are base64, as on the wire. */
export function formatJson(view: object): string {
  if (view instanceof JsonText) return view.text
  return JSON.stringify(Array.isArray(view) ? view : withBase64(view))
}

function withBase64(view: object): object {
  const entries = Object.entries(view).map(([name, value]: [string, unknown]) =>
    value instanceof Uint8Array ? [name, Buffer.from(value).toString('base64')] : [name, value],
  )
  return Object.fromEntries(entries)
}

/** Text of somebody else for a terminal: control characters could move its cursor or hide a line. */
export function visible(text: string): string {
  return text.replaceAll(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, '\u{FFFD}')
}
