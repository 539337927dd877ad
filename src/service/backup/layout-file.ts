import { createReadStream } from 'node:fs'
import { type FileHandle, open, rename, rm, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { createGunzip, createGzip } from 'node:zlib'
import {
  LAYOUT_HEAD_BYTES,
  LAYOUT_TAG_BYTES,
  LAYOUT_TAG_OFFSET,
  type LayoutKey,
  LayoutOpener,
  parseLayoutKey,
  readLayoutHead,
  sealLayout,
} from '../../crypto/backup-layout.ts'
import { CoffreError } from '../../model/errors.ts'
import { Secret } from '../../model/secret.ts'

/** Files in the layouts of IMP-008 (docs/spec/backup-layouts.md), for those who have them. */

const OWNER_ONLY = 0o600
const GENERATE = 'openssl rand -hex 32'

type LayoutKeyInput = Secret | Secret<Uint8Array> | string | Uint8Array

/** Which layout a file has, and where its parts lie. */
interface Shape {
  readonly iv: Uint8Array
  readonly tagAt: number
  readonly from: number
  /** Not included. */
  readonly end: number
}

/**
 * Writes layout A: gzip, then AES-256-GCM. The output is there whole or not at all, with mode 0600. Throws CONFIG_REFUSED
 * for a key that is none, or is a text's SHA-256.
 */
export async function encryptBackup(
  inputPath: string,
  outputPath: string,
  key: LayoutKeyInput,
): Promise<void> {
  const { key: material, isForReading } = requireKey(key)
  if (isForReading) throw refuseKey('a random key: the sha256: form, and one byte repeated, are for reading')
  await writeWhole(outputPath, async (file) => {
    const sealing = sealLayout(material)
    await file.writev([sealing.head, new Uint8Array(LAYOUT_TAG_BYTES)])
    await pipeline(
      createReadStream(inputPath),
      createGzip(),
      async (compressed: AsyncIterable<Uint8Array>) => {
        for await (const piece of compressed) await file.write(sealing.update(piece))
      },
    )
    await file.write(sealing.tag(), 0, LAYOUT_TAG_BYTES, LAYOUT_TAG_OFFSET)
  })
}

/**
 * Reads the layouts A and C under any of `keys`. The whole file is verified before a byte of it is written. Throws
 * BACKUP_DAMAGED for what none of them opens, and says so of layout B, which nobody can open.
 */
export async function decryptBackup(
  inputPath: string,
  outputPath: string,
  keys: LayoutKeyInput | readonly LayoutKeyInput[],
): Promise<void> {
  const ring = (Array.isArray(keys) ? keys : [keys]).map(requireKey)
  const { key, shape } = await findShape(inputPath, ring)
  await writeWhole(outputPath, async (file) => {
    const opened = openPieces(inputPath, key, shape)
    await pipeline(opened, createGunzip(), async (plain: AsyncIterable<Uint8Array>) => {
      for await (const piece of plain) await file.write(piece)
    })
  })
}

async function findShape(
  path: string,
  ring: readonly LayoutKey[],
): Promise<{ readonly key: LayoutKey; readonly shape: Shape }> {
  const shapes = await readShapes(path)
  for (const key of ring) {
    for (const shape of shapes) if (await isGenuine(path, key, shape)) return { key, shape }
  }
  throw new CoffreError('BACKUP_DAMAGED', {
    facts: { at: 'file', reason: 'no key opens it, or it was changed' },
  })
}

/** A and C of one file: only the tag tells them apart. */
async function readShapes(path: string): Promise<readonly Shape[]> {
  const { size } = await stat(path)
  const iv = readLayoutHead(await readStart(path, LAYOUT_HEAD_BYTES), size)
  if (iv === undefined) {
    const reason =
      'no version 1 in front: if IMP-008 made it, its IV was never stored and nobody can decrypt it'
    throw new CoffreError('BACKUP_DAMAGED', { facts: { at: 'file', reason } })
  }
  const body = LAYOUT_HEAD_BYTES + LAYOUT_TAG_BYTES
  return [
    { iv, tagAt: LAYOUT_TAG_OFFSET, from: body, end: size },
    { iv, tagAt: size - LAYOUT_TAG_BYTES, from: LAYOUT_HEAD_BYTES, end: size - LAYOUT_TAG_BYTES },
  ]
}

async function isGenuine(path: string, key: LayoutKey, shape: Shape): Promise<boolean> {
  try {
    for await (const piece of openPieces(path, key, shape)) piece.fill(0)
    return true
  } catch (error) {
    if (error instanceof CoffreError && error.code === 'DECRYPTION_FAILED') return false
    throw error
  }
}

/** Nothing of it is genuine before it has ended. */
async function* openPieces(
  path: string,
  { key }: LayoutKey,
  { iv, tagAt, from, end }: Shape,
): AsyncGenerator<Uint8Array, void, undefined> {
  const opener = new LayoutOpener(key, iv, await readStart(path, LAYOUT_TAG_BYTES, tagAt))
  // `end` of a stream is included, so an empty range cannot be said.
  if (end > from) {
    for await (const piece of createReadStream(path, { start: from, end: end - 1 })) {
      yield opener.update(piece as Uint8Array)
    }
  }
  opener.finish()
}

async function readStart(path: string, length: number, position = 0): Promise<Uint8Array> {
  const file = await open(path)
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, position)
    return buffer.subarray(0, bytesRead)
  } finally {
    await file.close()
  }
}

async function writeWhole(path: string, write: (file: FileHandle) => Promise<void>): Promise<void> {
  const part = `${path}.part`
  await rm(part, { force: true })
  const file = await open(part, 'wx', OWNER_ONLY)
  try {
    await write(file)
    await file.sync()
  } catch (error) {
    await file.close()
    await rm(part, { force: true })
    throw error
  }
  await file.close()
  await rename(part, path)
  const folder = await open(dirname(path))
  await folder.sync().finally(() => folder.close())
}

/** For the start of an application: answers a key that `encryptBackup` takes. Throws CONFIG_REFUSED, with the command that makes one. */
export function checkBackupKey(given: string | undefined): string {
  const { isForReading, key } = requireKey(given ?? '')
  key.wipe()
  if (given === undefined || isForReading) throw refuseKey('a random key')
  return given
}

function requireKey(given: LayoutKeyInput): LayoutKey {
  const value = given instanceof Secret ? given.reveal() : given
  const parsed = parseLayoutKey(value)
  if (parsed !== undefined) return parsed
  throw refuseKey('64 hexadecimal digits, 44 characters of base64, 43 of base64url, or a file of 32 bytes')
}

function refuseKey(expected: string): CoffreError {
  const facts = { at: 'BACKUP_ENCRYPTION_KEY', expected, generate: GENERATE }
  return new CoffreError('CONFIG_REFUSED', { facts })
}
