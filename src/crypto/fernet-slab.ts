import { CoffreError } from '../model/errors.ts'
import { BLOCK_BYTES } from './cbc-chain.ts'
import { countPaddedBytes, type InvalidTokenReason, MAX_FERNET_PLAINTEXT_BYTES } from './fernet-token.ts'

/** Messages that go through one CBC call: about 256 of 256 bytes. */
const SLAB_BYTES = 96 * 1024
const slab = Buffer.alloc(SLAB_BYTES)

/** Room for the blocks of one run, valid until the next call. */
export function takeSlab(bytes: number): Buffer {
  return bytes <= SLAB_BYTES ? slab : Buffer.allocUnsafeSlow(bytes)
}

/** Writes `length` unpredictable bytes at `offset`. */
export type FillRandom = (target: Uint8Array, offset: number, length: number) => void

/** The plaintext, or why there is none. */
export type Opened = Uint8Array | InvalidTokenReason

/** Where one token's blocks lie in a slab. */
export interface Piece {
  readonly start: number
  readonly end: number
}

/** Neighbours that share a slab. */
export interface Run<Item> {
  readonly items: Item[]
  bytes: number
}

/** Keeps the order. An item that is larger than a slab is a run of its own. */
export function splitIntoRuns<Item>(items: readonly Item[], countBytes: (item: Item) => number): Run<Item>[] {
  const runs: Run<Item>[] = []
  let run: Run<Item> | undefined
  for (const item of items) {
    const bytes = countBytes(item)
    if (run === undefined || run.bytes + bytes > SLAB_BYTES) {
      run = { items: [], bytes: 0 }
      runs.push(run)
    }
    run.items.push(item)
    run.bytes += bytes
  }
  return runs
}

export type Plaintext = Uint8Array | string

/** The bytes of IV and ciphertext. Throws LIMIT_EXCEEDED. */
export function countSealedBytes(plaintext: Plaintext): number {
  const bytes = typeof plaintext === 'string' ? Buffer.byteLength(plaintext) : plaintext.length
  if (bytes <= MAX_FERNET_PLAINTEXT_BYTES) return BLOCK_BYTES + countPaddedBytes(bytes)
  throw new CoffreError('LIMIT_EXCEEDED', {
    facts: { at: 'plaintext', maxBytes: MAX_FERNET_PLAINTEXT_BYTES },
  })
}

interface Message {
  readonly plaintext: Plaintext
  readonly fill: FillRandom
}

/** Writes a random block, the plaintext and its padding from `start`. Answers where they end. */
export function layBlocks(target: Buffer, start: number, { plaintext, fill }: Message): number {
  fill(target, start, BLOCK_BYTES)
  const at = start + BLOCK_BYTES
  let bytes = plaintext.length
  if (typeof plaintext === 'string') bytes = target.write(plaintext, at)
  else target.set(plaintext, at)
  const end = at + countPaddedBytes(bytes)
  target.fill(end - at - bytes, at + bytes, end)
  return end
}

/** Where PKCS #7 padding begins. `undefined` when it is wrong, which only a holder of the key can bring about. */
function findPadding(blocks: Buffer, end: number): number | undefined {
  const count = blocks[end - 1] ?? 0
  if (count < 1 || count > BLOCK_BYTES) return undefined
  for (let at = end - count; at < end; at++) if (blocks[at] !== count) return undefined
  return end - count
}

/** The first block is what the IV became, and is erased. */
export function takePlaintext(blocks: Buffer, start: number, end: number): Opened {
  const at = start + BLOCK_BYTES
  blocks.fill(0, start, at)
  const paddingAt = findPadding(blocks, end)
  return paddingAt === undefined ? 'padding' : blocks.subarray(at, paddingAt)
}
