import { UsageError } from '../usage-error.ts'

export interface Range {
  readonly from: number
  readonly to: number
}

/** The options of one command line, by their long names without dashes; every reader refuses what it cannot read. */
export class OptionReader {
  readonly #given: Readonly<Record<string, unknown>>

  /** `given` as commander has it: camel case, text, true, or a list of text. */
  constructor(given: Readonly<Record<string, unknown>>) {
    this.#given = given
  }

  text(name: string): string | undefined {
    const value = this.#given[camelCase(name)]
    return typeof value === 'string' ? value : undefined
  }

  required(name: string): string {
    const value = this.text(name)
    if (value === undefined) throw UsageError.of('usage.optionMissing', { name: `--${name}` })
    return value
  }

  flag(name: string): boolean {
    return this.#given[camelCase(name)] === true
  }

  /** Commander keeps `--no-color` as `color: false`. */
  refused(name: string): boolean {
    return this.#given[camelCase(name)] === false
  }

  list(name: string): readonly string[] {
    const value = this.#given[camelCase(name)]
    return Array.isArray(value) ? value.filter((item) => typeof item === 'string') : []
  }

  wholeNumber(name: string, range: Range): number | undefined {
    const text = this.text(name)
    return text === undefined ? undefined : parseWholeNumber(text, `--${name}`, range)
  }

  choice<Choice extends string>(name: string, choices: readonly Choice[]): Choice | undefined {
    const text = this.text(name)
    if (text === undefined) return undefined
    const found = choices.find((choice) => choice === text)
    if (found === undefined) {
      throw UsageError.of('usage.choice', { name: `--${name}`, choices: choices.join(', ') })
    }
    return found
  }

  /** `name=value` pairs; the first `=` divides. `undefined` when there are none. */
  pairs(name: string): Readonly<Record<string, string>> | undefined {
    const list = this.list(name)
    if (list.length === 0) return undefined
    const pairs = new Map(list.map((text) => parsePair(text, `--${name}`)))
    if (pairs.size < list.length) throw UsageError.of('usage.pairTwice', { name: `--${name}` })
    return Object.fromEntries(pairs)
  }

  /** The same command line without one option. */
  without(name: string): OptionReader {
    return new OptionReader({ ...this.#given, [camelCase(name)]: undefined })
  }

  /** Refuses both at once. */
  exclude(name: string, other: string): void {
    if (this.#isGiven(name) && this.#isGiven(other)) {
      throw UsageError.of('usage.together', { name: `--${name}`, other: `--${other}` })
    }
  }

  #isGiven(name: string): boolean {
    const value = this.#given[camelCase(name)]
    return Array.isArray(value) ? value.length > 0 : value !== undefined && value !== false
  }
}

export function parseWholeNumber(text: string, name: string, { from, to }: Range): number {
  const value = /^[0-9]{1,15}$/.test(text) ? Number(text) : Number.NaN
  if (!(value >= from && value <= to)) throw UsageError.of('usage.wholeNumber', { name, from, to })
  return value
}

function parsePair(text: string, name: string): [string, string] {
  const at = text.indexOf('=')
  if (at < 1) throw UsageError.of('usage.pair', { name })
  return [text.slice(0, at), text.slice(at + 1)]
}

function camelCase(name: string): string {
  return name.replaceAll(/-([a-z])/g, (_, letter: string) => letter.toUpperCase())
}
