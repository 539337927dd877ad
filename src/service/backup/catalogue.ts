import { z } from 'zod'
import { parseNote, type SignedNote } from '../../crypto/transparency/signed-note.ts'
import { CoffreError } from '../../model/errors.ts'
import { parseStrictObject } from '../jwt/strict-json.ts'
import { SERIES } from './manifest.ts'

/** docs/spec/backup.md, "Catalogue". */

const TYPE = 'coffre/backup-catalogue/v1'
const MAX_BACKUPS = 1_000

const HEAD = z.strictObject({ series: SERIES, revision: z.int().min(1), newest: z.int().min(0) })
const ENTRY = z.strictObject({
  sequence: z.int().min(1),
  id: z.uuid(),
  record: z.string().regex(/^[0-9a-f]{64}$/),
})

export type CatalogueEntry = z.infer<typeof ENTRY>

export interface Catalogue {
  readonly series: string
  readonly revision: number
  /** The greatest sequence ever given, also of a backup that is gone. */
  readonly newest: number
  /** In order of their sequence. */
  readonly entries: readonly CatalogueEntry[]
}

export function emptyCatalogue(series: string): Catalogue {
  return { series, revision: 0, newest: 0, entries: [] }
}

export interface CatalogueChange {
  readonly add?: readonly CatalogueEntry[]
  /** Sequences. */
  readonly remove?: ReadonlySet<number>
}

/** For one more. Throws LIMIT_EXCEEDED. */
export function requireRoom({ entries }: Pick<Catalogue, 'entries'>, more = 1): void {
  if (entries.length + more <= MAX_BACKUPS) return
  throw new CoffreError('LIMIT_EXCEEDED', { facts: { at: 'series', most: MAX_BACKUPS } })
}

/** The next revision, with these added and those gone. Throws LIMIT_EXCEEDED above 1,000 backups. */
export function changeCatalogue(catalogue: Catalogue, change: CatalogueChange): Catalogue {
  const added = change.add ?? []
  // Two that prune at once both put back what is locked, and a number that stands twice is a damaged catalogue.
  const changed = new Set([...(change.remove ?? []), ...added.map(({ sequence }) => sequence)])
  const kept = catalogue.entries.filter(({ sequence }) => !changed.has(sequence))
  const entries = [...kept, ...added].toSorted((left, right) => left.sequence - right.sequence)
  requireRoom({ entries }, 0)
  const newest = Math.max(catalogue.newest, ...added.map(({ sequence }) => sequence))
  return { series: catalogue.series, revision: catalogue.revision + 1, newest, entries }
}

export function catalogueText({ series, revision, newest, entries }: Catalogue): string {
  const lines = [
    TYPE,
    JSON.stringify({ series, revision, newest }),
    ...entries.map((entry) => JSON.stringify(entry)),
  ]
  return `${lines.join('\n')}\n`
}

/** Throws BACKUP_DAMAGED. It proves nothing yet. */
export function parseCatalogue(text: string): { readonly catalogue: Catalogue; readonly note: SignedNote } {
  const note = parseNote(text)
  const [type, headLine = '', ...lines] = note?.text.slice(0, -1).split('\n') ?? []
  const head = HEAD.safeParse(parseStrictObject(headLine))
  const entries = z.array(ENTRY).max(MAX_BACKUPS).safeParse(lines.map(parseStrictObject))
  if (note === undefined || type !== TYPE || !head.success || !entries.success) return damaged()
  if (!isRising(entries.data, head.data.newest)) return damaged()
  return { catalogue: { ...head.data, entries: entries.data }, note }
}

function isRising(entries: readonly CatalogueEntry[], newest: number): boolean {
  return entries.every(
    ({ sequence }, at) => sequence > (entries[at - 1]?.sequence ?? 0) && sequence <= newest,
  )
}

function damaged(): never {
  throw new CoffreError('BACKUP_DAMAGED', { facts: { at: 'catalogue' } })
}
