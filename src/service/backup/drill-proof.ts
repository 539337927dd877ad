import { z } from 'zod'
import { parseNote, type SignedNote } from '../../crypto/transparency/signed-note.ts'
import { type BackupDrill, DRILL_CHECKS, DRILL_OUTCOMES } from '../../model/backup.ts'
import { isErrorCode } from '../../model/errors.ts'
import { parseStrictObject } from '../jwt/strict-json.ts'
import { ID, SERIES, SHA256 } from './manifest.ts'

/** docs/spec/backup.md, "Proof of a drill". */

const TYPE = 'coffre/backup-drill/v1'
const MAX_KEYS = 16

const DRILL = z.strictObject({
  id: ID,
  series: SERIES,
  sequence: z.int().min(1),
  backup: ID,
  startedAt: z.iso.datetime({ precision: 3 }),
  milliseconds: z.int().min(0),
  outcome: z.enum(DRILL_OUTCOMES),
  code: z.string().refine(isErrorCode).optional(),
  checks: z.array(z.enum(DRILL_CHECKS)).max(DRILL_CHECKS.length),
  keys: z.array(z.string().max(320)).max(MAX_KEYS),
  manifest: SHA256,
})

/** What is to be signed. */
export function proofText(drill: BackupDrill): string {
  return `${TYPE}\n${JSON.stringify(drill)}\n`
}

/** `undefined` for what is no proof. It proves nothing before its signature was judged. */
export function parseProof(
  text: string,
): { readonly drill: BackupDrill; readonly note: SignedNote } | undefined {
  const note = parseNote(text)
  const [type, line = '', ...rest] = note?.text.slice(0, -1).split('\n') ?? []
  const parsed = DRILL.safeParse(parseStrictObject(line))
  if (note === undefined || type !== TYPE || rest.length > 0 || !parsed.success) return undefined
  const { code, ...drill } = parsed.data
  return { drill: code === undefined ? drill : { ...drill, code }, note }
}
