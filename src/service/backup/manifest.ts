import { z } from 'zod'
import { parseNote, type SignedNote } from '../../crypto/transparency/signed-note.ts'
import {
  BACKUP_COMPRESSIONS,
  BACKUP_SOURCES,
  type BackupHeader,
  type BackupRecord,
  type BackupSlotView,
  type BackupTable,
} from '../../model/backup.ts'
import { CoffreError } from '../../model/errors.ts'
import { parseStrictObject } from '../jwt/strict-json.ts'

/** docs/spec/backup.md, "Manifest". */

const TYPE = 'coffre/backup/v1'
export const MAX_SLOTS = 16
const MAX_FACTS = 64
/** A manifest has 128 KiB in all; what is encrypted is written in base64url. */
const MAX_TABLES = 1_000
const MAX_TABLES_BYTES = 48 * 1024

export const ID = z.string().regex(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
export const SERIES = z.string().regex(/^[a-z0-9][a-z0-9._-]{0,63}$/)
export const SHA256 = z.string().regex(/^[0-9a-f]{64}$/)
const COUNT = z.int().min(0)
const TEXT = z.string().max(1_024)
const BYTES = z.string().max(4_096)
const FACTS = z
  .record(z.string().max(64), z.union([TEXT, z.number()]))
  .refine((facts) => Object.keys(facts).length <= MAX_FACTS)

const HEADER = z.strictObject({
  id: ID,
  series: SERIES,
  source: z.enum(BACKUP_SOURCES),
  compression: z.enum(BACKUP_COMPRESSIONS),
  createdAt: z.iso.datetime({ precision: 3 }),
  facts: FACTS,
  note: TEXT.optional(),
})

const BODY = z.strictObject({ sequence: z.int().min(1), bodyBytes: COUNT, bodySha256: SHA256 })

const TABLE = z.strictObject({ name: z.string().max(256), rows: COUNT, checksum: COUNT })

const RECORD = z.strictObject({
  plainBytes: COUNT,
  plainSha256: SHA256,
  storedBytes: COUNT,
  counts: z.record(z.string().max(64), COUNT),
  tables: z.array(TABLE).max(MAX_TABLES).optional(),
})

const SLOT = z.discriminatedUnion('slot', [
  z.strictObject({ slot: z.literal('key'), key: z.string().max(256), ciphertext: BYTES }),
  z.strictObject({ slot: z.literal('passphrase'), argon2id: TEXT, salt: BYTES, wrapped: BYTES }),
  z.strictObject({ slot: z.literal('recovery'), recipient: TEXT, encapsulated: BYTES, wrapped: BYTES }),
])

export type BackupSlot = z.infer<typeof SLOT>
export type KeySlot = Extract<BackupSlot, { slot: 'key' }>
export type BodyFacts = z.infer<typeof BODY>

/** The lines as they are signed, and what they say. */
export interface Manifest {
  readonly header: BackupHeader
  readonly body: BodyFacts
  readonly slots: readonly BackupSlot[]
  readonly headerLine: string
  readonly bodyLine: string
  /** Line 4: encrypted. */
  readonly recordLine: string
  readonly note: SignedNote
}

export type UnsignedManifest = Pick<Manifest, 'headerLine' | 'bodyLine' | 'recordLine' | 'slots'>

/** What is to be signed. */
export function manifestText({ headerLine, bodyLine, recordLine, slots }: UnsignedManifest): string {
  const lines = [TYPE, headerLine, bodyLine, recordLine, ...slots.map((slot) => JSON.stringify(slot))]
  return `${lines.join('\n')}\n`
}

/** Before anything is written that nobody could read. Throws INVALID_REQUEST. */
export function requireHeader(header: BackupHeader): BackupHeader {
  const parsed = HEADER.safeParse(header)
  if (parsed.success) return header
  const at = parsed.error.issues[0]?.path.join('.') ?? 'header'
  throw new CoffreError('INVALID_REQUEST', { facts: { at, expected: 'what docs/spec/backup.md allows' } })
}

/** Throws BACKUP_DAMAGED. It proves nothing yet. */
export function parseManifest(text: string): Manifest {
  const note = parseNote(text)
  if (note === undefined) return damaged('no signed note')
  const [type, headerLine = '', bodyLine = '', recordLine = '', ...slotLines] = note.text
    .slice(0, -1)
    .split('\n')
  if (type !== TYPE || slotLines.length === 0 || slotLines.length > MAX_SLOTS) return damaged('lines')
  return {
    header: parseHeader(headerLine),
    body: parseLine(BODY, bodyLine),
    slots: slotLines.map((line) => parseLine(SLOT, line)),
    headerLine,
    bodyLine,
    recordLine,
    note,
  }
}

/** The id as the 16 bytes that bodies and slots are bound to. */
export function idBytes(id: string): Uint8Array {
  return Buffer.from(id.replaceAll('-', ''), 'hex')
}

export function parseRecord(text: string): BackupRecord {
  const { tables, ...record } = parseLine(RECORD, text)
  return tables === undefined ? record : { ...record, tables }
}

/** For a record: what a source measured, where a manifest has room for it. The sums in its counts are there in any case. */
export function roomForTables(tables: readonly BackupTable[] = []): Pick<BackupRecord, 'tables'> {
  const isSmall = tables.length <= MAX_TABLES && Buffer.byteLength(JSON.stringify(tables)) <= MAX_TABLES_BYTES
  return tables.length > 0 && isSmall ? { tables } : {}
}

export function viewSlot(slot: BackupSlot): BackupSlotView {
  if (slot.slot === 'key') return { slot: 'key', key: slot.key }
  return slot.slot === 'recovery' ? { slot: 'recovery', recipient: slot.recipient } : { slot: 'passphrase' }
}

function parseHeader(line: string): BackupHeader {
  const { note, ...header } = parseLine(HEADER, line)
  return note === undefined ? header : { ...header, note }
}

function parseLine<Shape extends z.ZodType>(shape: Shape, line: string): z.output<Shape> {
  const parsed = shape.safeParse(parseStrictObject(line))
  return parsed.success ? parsed.data : damaged('members')
}

function damaged(reason: string): never {
  throw new CoffreError('BACKUP_DAMAGED', { facts: { at: 'manifest', reason } })
}
