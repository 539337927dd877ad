import type { BackupSource, SourceCounts, SourceFacts } from '../backup-source.ts'
import { asBackupError } from './reasons.ts'

export interface StreamSourceOptions {
  /** What the user calls it; whoever reads the backup later has nothing else to go by. */
  readonly name: string
  /** As it comes, for example `process.stdin`. Ended early, it is destroyed. */
  readonly input: AsyncIterable<Uint8Array>
}

/** Bytes of another program. How that program ended only the shell knows (`set -o pipefail`). */
export function streamSource({ name, input }: StreamSourceOptions): BackupSource {
  let bytes = 0
  return {
    kind: 'stream',
    describe: async (): Promise<SourceFacts> => ({ name }),
    async *read(signal) {
      try {
        for await (const piece of input) {
          signal.throwIfAborted()
          bytes += piece.length
          yield piece
        }
      } catch (error) {
        throw asBackupError('BACKUP_SOURCE_FAILED', error, { name })
      }
    },
    counts: (): SourceCounts => ({ bytes }),
  }
}
