import type { Secret } from '../../model/secret.ts'
import { type Catalogue, formatMessage, type MessageKey } from '../../model/message/catalogue.ts'

/** One secret on one page: a share, or the seal key of a key file or of the environment. */
export interface Sheet {
  readonly kind: 'share' | 'seal-key'
  /** What the reader sees first: which share, or whose key. */
  readonly share?: {
    readonly setId: string
    readonly number: number
    readonly count: number
    readonly threshold: number
  }
  /** The name that the organisation gives this Coffre. */
  readonly label: string
  readonly date: string
  readonly text: Secret
  readonly words: Secret
}

export interface SheetLine {
  readonly kind: 'title' | 'fact' | 'heading' | 'step' | 'note'
  readonly text: string
}

/** Everything but the secret, in the order of the page, in the language of the reader. */
export function sheetLines(sheet: Sheet, catalogue: Catalogue): readonly SheetLine[] {
  const say = (key: MessageKey) => catalogue.messages[key]
  const { share } = sheet
  const title =
    share === undefined ? say('sheet.sealKeyTitle') : formatMessage(catalogue, 'sheet.shareTitle', share)
  const what =
    share === undefined ? say('sheet.sealKeyWhat') : formatMessage(catalogue, 'sheet.shareWhat', share)
  const use: readonly MessageKey[] =
    share === undefined
      ? ['sheet.sealKeyStep1', 'sheet.sealKeyStep2', 'sheet.sealKeyStep3']
      : ['sheet.shareStep1', 'sheet.shareStep2', 'sheet.shareStep3']
  const facts = [
    formatMessage(catalogue, 'sheet.label', sheet),
    formatMessage(catalogue, 'sheet.date', sheet),
    ...(share === undefined ? [] : [formatMessage(catalogue, 'sheet.set', share)]),
  ]
  return [
    { kind: 'title', text: title },
    ...facts.map((text): SheetLine => ({ kind: 'fact', text })),
    { kind: 'note', text: what },
    { kind: 'note', text: say('sheet.keep') },
    { kind: 'heading', text: say('sheet.use') },
    ...use.map((key): SheetLine => ({ kind: 'step', text: say(key) })),
  ]
}

/** `1 abandon   2 ability …`, four in a row. */
export function wordRows(words: Secret): readonly string[] {
  const numbered = words
    .reveal()
    .split(' ')
    .map((word, at) => `${String(at + 1).padStart(2)} ${word}`)
  const rows: string[] = []
  for (let at = 0; at < numbered.length; at += 4) {
    rows.push(
      numbered
        .slice(at, at + 4)
        .map((word) => word.padEnd(14))
        .join('')
        .trimEnd(),
    )
  }
  return rows
}
