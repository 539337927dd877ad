import type { BackupProgress, OnBackupProgress } from '../../model/backup.ts'
import type { BackupSource, SourceFacts } from '../../store/backup-source.ts'

/** Oftener than this nobody looks. */
const TELL_MS = 100
/** Databases whose size on the disk says only about how long their dump is. */
const ABOUT: readonly BackupSource['kind'][] = ['postgres', 'postgres-globals', 'coffre']

export type Extent = Omit<BackupProgress, 'done'>

/** Ten times a second at most, and at the end. What the listener throws or rejects with stops nothing. */
export class ProgressTeller {
  readonly #listener: OnBackupProgress | undefined
  readonly #extent: Extent
  #done = 0
  #toldAt = Number.NEGATIVE_INFINITY

  constructor(listener: OnBackupProgress | undefined, extent: Extent) {
    this.#listener = listener
    this.#extent = extent
  }

  /** Of all that there is to do, not since the last time. */
  tell(done: number): void {
    this.#done = done
    const now = performance.now()
    if (this.#listener === undefined || now - this.#toldAt < TELL_MS) return
    this.#toldAt = now
    this.#call(this.#listener)
  }

  end(): void {
    if (this.#listener !== undefined) this.#call(this.#listener)
  }

  #call(listener: OnBackupProgress): void {
    // Its first step runs at once.
    const call = async () => listener({ ...this.#extent, done: this.#done })
    call().catch(() => {})
  }
}

/** What there is to read of a source, as far as it knows. */
export function extentOf(source: BackupSource, facts: SourceFacts): Extent {
  const bytes = source.expectedBytes ?? facts['bytes']
  const known = typeof bytes === 'number' && bytes > 0 ? { of: bytes } : {}
  return { unit: 'bytes', ...known, isAbout: ABOUT.includes(source.kind) }
}
