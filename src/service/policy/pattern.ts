/** A text with `*` for any run of characters. Anchored at both ends; nothing else has a meaning. */
export class Pattern {
  readonly #pieces: readonly string[]

  constructor(text: string) {
    this.#pieces = text.split('*')
  }

  /** The one text that it matches; `undefined` when it has a `*`. */
  get exact(): string | undefined {
    return this.#pieces.length === 1 ? this.#pieces[0] : undefined
  }

  /**
   * Each piece is looked for once, behind the one before; the leftmost place leaves most room for the rest, so there
   * is nothing to try again.
   */
  matches(text: string): boolean {
    const [first = '', ...others] = this.#pieces
    const last = others.pop()
    if (last === undefined) return text === first
    if (!text.startsWith(first)) return false
    let at = first.length
    for (const piece of others) {
      const found = text.indexOf(piece, at)
      if (found < 0) return false
      at = found + piece.length
    }
    return text.length - last.length >= at && text.endsWith(last)
  }
}
