import type { Secret } from '../../model/secret.ts'
import {
  type Catalogue,
  fillPlaceholders,
  formatMessage,
  type MessageKey,
} from '../../model/message/catalogue.ts'

/** One secret on one page: a share, the seal key of a key file or of the environment, a recovery key or a share of one. */
export interface Sheet {
  readonly kind: 'share' | 'seal-key' | 'recovery-key' | 'recovery-share'
  /** What the reader sees first: which share, or whose key. */
  readonly share?: {
    readonly setId: string
    readonly number: number
    readonly count: number
    readonly threshold: number
  }
  /** Of a recovery key, and of a seal key that is one too: what a machine that knows nothing else needs besides it. */
  readonly recovery?: { readonly fingerprint: string; readonly signers: readonly string[] }
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

interface SheetTexts {
  readonly title: MessageKey
  readonly what: MessageKey
  readonly steps: readonly MessageKey[]
}

const TEXTS: Readonly<Record<Sheet['kind'], SheetTexts>> = {
  share: {
    title: 'sheet.shareTitle',
    what: 'sheet.shareWhat',
    steps: ['sheet.shareStep1', 'sheet.shareStep2', 'sheet.shareStep3'],
  },
  'seal-key': {
    title: 'sheet.sealKeyTitle',
    what: 'sheet.sealKeyWhat',
    steps: ['sheet.sealKeyStep1', 'sheet.sealKeyStep2', 'sheet.sealKeyStep3'],
  },
  'recovery-key': {
    title: 'sheet.recoveryTitle',
    what: 'sheet.recoveryWhat',
    steps: ['sheet.recoveryStep1', 'sheet.recoveryStep2', 'sheet.recoveryStep3'],
  },
  'recovery-share': {
    title: 'sheet.recoveryShareTitle',
    what: 'sheet.recoveryShareWhat',
    steps: ['sheet.recoveryShareStep1', 'sheet.recoveryStep2', 'sheet.recoveryShareStep3'],
  },
}

/** Everything but the secret, in the order of the page, in the language of the reader. */
export function sheetLines(sheet: Sheet, catalogue: Catalogue): readonly SheetLine[] {
  const say = (key: MessageKey) => catalogue.messages[key]
  const { title, what, steps } = TEXTS[sheet.kind]
  const opensBackups = sheet.kind === 'seal-key' && sheet.recovery !== undefined
  const facts = [
    formatMessage(catalogue, 'sheet.label', sheet),
    formatMessage(catalogue, 'sheet.date', sheet),
    ...ownFacts(sheet, catalogue),
  ]
  return [
    { kind: 'title', text: fillPlaceholders(say(title), { ...sheet.share }) },
    ...facts.map((text): SheetLine => ({ kind: 'fact', text })),
    { kind: 'note', text: fillPlaceholders(say(what), { ...sheet.share }) },
    { kind: 'note', text: say('sheet.keep') },
    { kind: 'heading', text: say('sheet.use') },
    ...steps.map((key): SheetLine => ({ kind: 'step', text: say(key) })),
    ...(opensBackups ? [{ kind: 'step', text: say('sheet.sealKeyBackups') } as const] : []),
  ]
}

function ownFacts({ share, recovery }: Sheet, catalogue: Catalogue): readonly string[] {
  const set = share === undefined ? [] : [formatMessage(catalogue, 'sheet.set', share)]
  if (recovery === undefined) return set
  return [
    ...set,
    formatMessage(catalogue, 'sheet.fingerprint', recovery),
    ...recovery.signers.map((signer) => formatMessage(catalogue, 'sheet.signer', { signer })),
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
