import type { KeyMaterial } from '../key-material.ts'
import { base64, parseBase64, parseNote, type SignedNote, noteSigner } from './signed-note.ts'

/** docs/spec/audit-checkpoint.md; c2sp.org/tlog-checkpoint. */

const HASH_BYTES = 32
const MAX_ORIGIN_CHARACTERS = 256
const SIZE = /^(?:0|[1-9][0-9]{0,15})$/
const RESTORED = /^restored (?<size>\S+) (?<root>\S+)$/

export interface TreeHead {
  readonly size: number
  /** RFC 6962 root hash at that size, 32 bytes. */
  readonly rootHash: Uint8Array
}

export interface Checkpoint extends TreeHead {
  readonly origin: string
  /** The checkpoint that was given up when a restored log was accepted: this one begins a new line. */
  readonly restored?: TreeHead
}

export interface ParsedCheckpoint {
  readonly checkpoint: Checkpoint
  readonly note: SignedNote
}

/** Signs under the name that the checkpoint has as its origin. It goes on when `material` is wiped. */
export function checkpointSigner(material: KeyMaterial): (checkpoint: Checkpoint) => string {
  const sign = noteSigner(material)
  return (checkpoint) => sign(formatText(checkpoint), checkpoint.origin)
}

/** `undefined` for what is no signed note of a checkpoint. It proves nothing before `judgeNote`. */
export function parseCheckpoint(text: string): ParsedCheckpoint | undefined {
  const note = parseNote(text)
  if (note === undefined) return undefined
  const [origin = '', size = '', root = '', ...extensions] = note.text.slice(0, -1).split('\n')
  const head = parseHead(size, root)
  const named = origin !== '' && origin.length <= MAX_ORIGIN_CHARACTERS
  if (!named || head === undefined || extensions.includes('')) return undefined
  const restored = extensions.map(parseRestored).find((found) => found !== undefined)
  return { checkpoint: { origin, ...head, ...(restored === undefined ? {} : { restored }) }, note }
}

function formatText({ origin, size, rootHash, restored }: Checkpoint): string {
  const lines = [origin, String(size), base64(rootHash)]
  if (restored !== undefined) lines.push(`restored ${restored.size} ${base64(restored.rootHash)}`)
  return lines.map((line) => `${line}\n`).join('')
}

function parseRestored(line: string): TreeHead | undefined {
  const { size = '', root = '' } = RESTORED.exec(line)?.groups ?? {}
  return parseHead(size, root)
}

function parseHead(size: string, root: string): TreeHead | undefined {
  const rootHash = parseBase64(root)
  if (rootHash?.length !== HASH_BYTES) return undefined
  const count = parseSize(size)
  return count === undefined ? undefined : { size: count, rootHash }
}

/** A decimal without leading zeros, at most 2^53 - 1. */
export function parseSize(text: string): number | undefined {
  const size = SIZE.test(text) ? Number(text) : Number.NaN
  return Number.isSafeInteger(size) ? size : undefined
}
