import { freeNow } from '../../model/free-bytes.ts'
import type { BackupSource, SourceCounts, SourceFacts } from '../backup-source.ts'
import { asBackupError } from './reasons.ts'

export interface StreamSourceOptions {
  /** What the user calls it; whoever reads the backup later has nothing else to go by. */
  readonly name: string
  /** As it comes, for example `process.stdin`. Ended early, it is destroyed. */
  readonly input: AsyncIterable<Uint8Array>
  /** Nobody else sees the pieces of `input`, so each is freed when the next one is asked for. */
  readonly isOwned?: boolean
  /** How long it is, where that is known: for progress, and no fact that others read. */
  readonly expectedBytes?: number
}

/** Bytes of another program. How that program ended only the shell knows (`set -o pipefail`). */
export function streamSource({
  name,
  input,
  isOwned = false,
  expectedBytes,
}: StreamSourceOptions): BackupSource {
  let bytes = 0
  return {
    kind: 'stream',
    ...(expectedBytes === undefined ? {} : { expectedBytes }),
    describe: async (): Promise<SourceFacts> => ({ name }),
    async *read(signal) {
      try {
        for await (const piece of input) {
          signal.throwIfAborted()
          bytes += piece.length
          yield piece
          if (isOwned) freeNow(piece)
        }
      } catch (error) {
        throw asBackupError('BACKUP_SOURCE_FAILED', error, { name })
      }
    },
    counts: (): SourceCounts => ({ bytes }),
  }
}
