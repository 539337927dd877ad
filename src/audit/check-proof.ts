import { utf8 } from '../crypto/bytes.ts'
import { leafHash } from '../crypto/merkle.ts'
import { type Checkpoint, parseCheckpoint } from '../crypto/transparency/checkpoint.ts'
import { verifyConsistency, verifyInclusion } from '../crypto/transparency/merkle-proof.ts'
import { parseConsistencyProof, parseInclusionProof } from '../crypto/transparency/proof-text.ts'
import { judgeNote, parseVerifierKey, type VerifierKey } from '../crypto/transparency/signed-note.ts'
import { CoffreError } from '../model/errors.ts'

export interface CheckProofOptions {
  /** Whom the reader trusts: `name+hash+key`. */
  readonly verifierKeys: readonly string[]
  /** For a consistency proof: the older checkpoint that the reader has kept. */
  readonly old?: string
}

/** What a proof proves, once it has. */
export interface CheckedProof {
  readonly kind: 'inclusion' | 'consistency'
  readonly origin: string
  readonly size: number
  /** Hex. */
  readonly rootHash: string
  /** Of an inclusion proof: where the record is, and the record. */
  readonly index?: number
  readonly body?: string
  /** Of a consistency proof. */
  readonly from?: number
}

/**
 * Checks a proof text by itself, without any Coffre (docs/spec/audit-checkpoint.md). Throws INVALID_REQUEST for what
 * is no proof, SIGNATURE_INVALID where no given key has signed, PROOF_INVALID where the hashes do not lead to the root.
 */
export function checkProof(text: string, options: CheckProofOptions): CheckedProof {
  const keys = options.verifierKeys.map(
    (key) => parseVerifierKey(key) ?? refuse('verifierKeys', 'name+hash+key'),
  )
  const inclusion = parseInclusionProof(text)
  if (inclusion !== undefined) {
    const { index, extra, path } = inclusion
    if (extra === undefined) return refuse('proof', 'an `extra` line with the record')
    const checkpoint = readSigned(inclusion.checkpoint, keys, 'proof')
    const body = Buffer.from(extra).toString('utf8')
    if (!verifyInclusion({ index, leafHash: leafHash(extra), path }, checkpoint)) throw wrong()
    // The record says itself which one it is; another at this place would be a lie of the log.
    if (!Buffer.from(utf8(body)).equals(extra) || indexOf(body) !== index) throw wrong()
    return { kind: 'inclusion', ...view(checkpoint), index, body }
  }
  return checkConsistency(text, keys, options.old)
}

function checkConsistency(text: string, keys: readonly VerifierKey[], old: string | undefined): CheckedProof {
  const consistency = parseConsistencyProof(text)
  if (consistency === undefined) return refuse('proof', 'c2sp.org/tlog-proof@v1, or old <size>')
  if (old === undefined) return refuse('old', 'the older checkpoint that you have kept')
  const { from, path } = consistency
  const newer = readSigned(consistency.checkpoint, keys, 'proof')
  const older = readSigned(old, keys, 'old')
  const ofOneLog = older.origin === newer.origin && older.size === from
  if (!ofOneLog || !verifyConsistency(older, newer, path)) throw wrong()
  return { kind: 'consistency', ...view(newer), from }
}

/** Throws INVALID_REQUEST or SIGNATURE_INVALID. */
export function readSigned(note: string, keys: readonly VerifierKey[], at: string): Checkpoint {
  const parsed = parseCheckpoint(note)
  if (parsed === undefined) return refuse(at, 'a signed note of a checkpoint')
  if (judgeNote(parsed.note, keys) !== 'signed') throw new CoffreError('SIGNATURE_INVALID', { facts: { at } })
  return parsed.checkpoint
}

function view({ origin, size, rootHash }: Checkpoint) {
  return { origin, size, rootHash: Buffer.from(rootHash).toString('hex') }
}

function indexOf(body: string): unknown {
  try {
    const record: unknown = JSON.parse(body)
    return typeof record === 'object' && record !== null && 'i' in record ? record.i : undefined
  } catch {
    return undefined
  }
}

function wrong(): CoffreError {
  return new CoffreError('PROOF_INVALID')
}

function refuse(at: string, expected: string): never {
  throw new CoffreError('INVALID_REQUEST', { facts: { at, expected } })
}
