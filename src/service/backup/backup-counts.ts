import type { BackupAction, BackupEvent } from '../../model/backup-trail.ts'

export interface BackupCount {
  readonly action: BackupAction
  readonly outcome: 'ok' | 'failed'
  readonly count: number
}

/** What was recorded of backups since the start of this process. */
export class BackupCounts {
  readonly #counts = new Map<string, BackupCount>()

  count({ action, code, phase }: BackupEvent): void {
    // It has an end too, which tells how it went.
    if (phase === 'start') return
    const outcome = code === undefined ? 'ok' : 'failed'
    const name = `${action} ${outcome}`
    const count = (this.#counts.get(name)?.count ?? 0) + 1
    this.#counts.set(name, { action, outcome, count })
  }

  list(): readonly BackupCount[] {
    return [...this.#counts.values()]
  }
}
