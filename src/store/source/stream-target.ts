import { once } from 'node:events'
import type { Writable } from 'node:stream'
import type { RestoreTarget } from '../backup-source.ts'
import { PartFile } from './part-file.ts'
import { asBackupError } from './reasons.ts'

export interface FileTargetOptions {
  readonly path: string
  /** Unique to this restore: part of the names in quarantine. */
  readonly id: string
  /** A file that is there keeps its content under another name. */
  readonly replace?: boolean
}

/** A new file for its owner alone, or one in the place of another. */
export function fileTarget({ path, id, replace = false }: FileTargetOptions): RestoreTarget {
  const part = new PartFile(path, id)
  return {
    kind: 'stream',
    prepare: ({ bytes = 0 }) => part.prepare({ replace, bytes: Number(bytes) }),
    receive: async (plaintext, signal) => {
      try {
        return { bytes: await part.write(plaintext, signal) }
      } catch (error) {
        throw asBackupError('RESTORE_FAILED', error, { file: path })
      }
    },
    commit: async () => {
      const before = await part.commit()
      return { file: path, ...(before === undefined ? {} : { before }) }
    },
    abandon: () => part.remove(),
  }
}

/**
 * A pipe has no quarantine: what was written to it cannot be taken back. Whoever calls `receive` has verified the whole
 * backup before.
 */
export function outputTarget(output: Writable): RestoreTarget {
  return {
    kind: 'stream',
    prepare: async () => undefined,
    receive: async (plaintext, signal) => {
      try {
        return { bytes: await writeTo(output, plaintext, signal) }
      } catch (error) {
        throw asBackupError('RESTORE_FAILED', error)
      }
    },
    commit: async () => ({}),
    abandon: async () => undefined,
  }
}

/** Does not end `output`: it may be `process.stdout`. */
async function writeTo(
  output: Writable,
  pieces: AsyncIterable<Uint8Array>,
  signal: AbortSignal,
): Promise<number> {
  const broken = Promise.withResolvers<never>()
  broken.promise.catch(() => undefined)
  const onError = (error: unknown): void => broken.reject(error)
  output.on('error', onError)
  try {
    let bytes = 0
    for await (const piece of pieces) {
      signal.throwIfAborted()
      // A copy: what the stream does with it, and for how long, nobody knows.
      if (!output.write(Uint8Array.from(piece)))
        await Promise.race([once(output, 'drain', { signal }), broken.promise])
      bytes += piece.length
    }
    await Promise.race([new Promise<void>((done) => output.write('', () => done())), broken.promise])
    return bytes
  } finally {
    output.removeListener('error', onError)
  }
}
