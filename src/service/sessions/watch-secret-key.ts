import { unwatchFile, watchFile } from 'node:fs'
import type { SecretSessionKeys } from './secret-session-keys.ts'
import type { Sessions } from './sessions.ts'

/** The file is looked at this often. By its name, so that a file or a link that takes its place is seen everywhere. */
const LOOK_EVERY_MS = 1_000

export interface WatchSecretKeyOptions {
  /** From `fromEnvironment`, with SECRET_KEY_FILE. */
  readonly keys: SecretSessionKeys
  /** For how long what was signed before stays good: as long as one of these sessions may last. */
  readonly sessions: Pick<Sessions, 'absoluteSeconds'>
  /** A file that cannot be used changes nothing; a process warning when absent. */
  readonly onError?: (error: unknown) => void
}

export interface SecretKeyWatch {
  close(): void
}

/**
 * Signs with the key that is in the file of `keys` within a second after it was replaced, and at once on SIGHUP. Nobody is
 * logged out. Does not keep the process running. Throws SECRET_KEY_MISSING where `keys` are of no file.
 */
export function watchSecretKey(options: WatchSecretKeyOptions): SecretKeyWatch {
  const { keys, sessions, onError = warn } = options
  const { files } = keys
  const reload = (): void => {
    try {
      keys.reload({ keepSeconds: sessions.absoluteSeconds })
    } catch (error) {
      onError(error)
    }
  }
  for (const file of files) watchFile(file, { persistent: false, interval: LOOK_EVERY_MS }, reload)
  process.on('SIGHUP', reload)
  return {
    close: () => {
      for (const file of files) unwatchFile(file, reload)
      process.off('SIGHUP', reload)
    },
  }
}

/** Without what the error says: a file is not always what its name says. */
function warn(): void {
  process.emitWarning('the file of SECRET_KEY could not be used; the key so far stays', 'CoffreWarning')
}
