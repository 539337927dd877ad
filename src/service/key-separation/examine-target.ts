import { bodyIdOf } from '../../crypto/backup-body.ts'
import { hasCode } from '../../model/errors.ts'
import type { ObjectFacts, ObjectStore, ObjectStoreWarning } from '../../store/object-store.ts'
import { decompress } from '../backup/compression.ts'
import { findKeys, type Needles, needlesOf, type Planted } from './find-keys.ts'
import type { NamedSecret } from './named-secret.ts'

/** Files with keys in them are small; of a larger one its beginning is read. */
const MAX_OBJECT_BYTES = 1024 * 1024
/** A body of ours is ciphertext all through. */
const MAX_BODY_BYTES = 64 * 1024
const MAX_OBJECTS = 100_000
const MAX_TOTAL_BYTES = 4 * 1024 ** 3
const PACKED = [
  { magic: Buffer.from('1f8b', 'hex'), how: 'gzip' },
  { magic: Buffer.from('28b52ffd', 'hex'), how: 'zstd' },
] as const
/** What an object of a bucket that others use may answer; the others are read all the same. */
const SKIPPED = ['OBJECT_NOT_FOUND', 'OBJECT_CHANGED', 'OBJECT_STORE_REFUSED'] as const

export interface PlantedKey extends Planted {
  readonly object: string
}

export interface TargetFindings {
  readonly place: string
  /** How many were looked at. */
  readonly objects: number
  /** Of how many only the beginning. */
  readonly inPart: number
  /** They are gone, or may not be read. */
  readonly unread: readonly string[]
  /** False where there are more objects, or more bytes, than are looked at. */
  readonly isWhole: boolean
  readonly keys: readonly PlantedKey[]
  readonly warnings: readonly ObjectStoreWarning[]
}

/** The first bytes of one object. */
interface Head {
  readonly bytes: Buffer
  readonly isWhole: boolean
}

/**
 * Whether key material lies on a target, and who else may read it (docs/design/key-separation.md). Reads the beginning of
 * every object and changes nothing.
 */
export async function examineTarget(
  target: ObjectStore,
  secrets: readonly NamedSecret[],
): Promise<TargetFindings> {
  const needles = needlesOf(secrets)
  const warnings = await target.warnings()
  const [keys, unread]: [PlantedKey[], string[]] = [[], []]
  let [objects, inPart, bytes, isWhole] = [0, 0, 0, true]
  for await (const object of target.list('')) {
    if (objects === MAX_OBJECTS || bytes >= MAX_TOTAL_BYTES) {
      isWhole = false
      break
    }
    objects += 1
    const head = await readHead(target, object)
    if (head === undefined) {
      unread.push(object.name)
      continue
    }
    bytes += head.bytes.length
    if (!head.isWhole) inPart += 1
    for (const found of await findInside(head, needles)) keys.push({ object: object.name, ...found })
  }
  return { place: target.place, objects, inPart, unread, isWhole, keys, warnings }
}

async function readHead(target: ObjectStore, { name, bytes }: ObjectFacts): Promise<Head | undefined> {
  const pieces: Uint8Array[] = []
  let [length, limit] = [0, Math.min(bytes, MAX_OBJECT_BYTES)]
  try {
    for await (const piece of target.read(name, { length: limit })) {
      pieces.push(Uint8Array.from(piece))
      length += piece.length
      if (length === piece.length && bodyIdOf(piece) !== undefined) limit = Math.min(limit, MAX_BODY_BYTES)
      if (length >= limit) break
    }
  } catch (error) {
    if (SKIPPED.some((code) => hasCode(error, code))) return undefined
    throw error
  }
  return { bytes: Buffer.concat(pieces), isWhole: length === bytes }
}

/** As it is, and unpacked. */
async function findInside({ bytes, isWhole }: Head, needles: Needles): Promise<readonly Planted[]> {
  const found = [...findKeys(bytes, needles, isWhole)]
  const packed = PACKED.find(({ magic }) => bytes.subarray(0, magic.length).equals(magic))
  if (packed !== undefined) found.push(...findKeys(await unpack(bytes, packed.how), needles, false))
  return found
}

/** The first bytes of what was packed; only the beginning of it may be at hand. */
async function unpack(bytes: Buffer, how: 'gzip' | 'zstd'): Promise<Buffer> {
  const pieces: Uint8Array[] = []
  let length = 0
  try {
    for await (const piece of decompress(cut(bytes), how)) {
      pieces.push(piece)
      length += piece.length
      if (length >= MAX_OBJECT_BYTES) break
    }
  } catch (error) {
    if (!hasCode(error, 'BACKUP_DAMAGED')) throw error
  }
  return Buffer.concat(pieces)
}

/** In pieces, so that what comes out before the cut end is kept. */
async function* cut(bytes: Buffer): AsyncGenerator<Uint8Array, void, undefined> {
  const step = 16 * 1024
  for (let at = 0; at < bytes.length; at += step) yield bytes.subarray(at, at + step)
}
