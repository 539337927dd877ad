/** One thing that was looked at. `id` and `next` are stable texts; docs/en/doctor.md says each in words. */
export interface Finding {
  readonly id: string
  readonly state: 'ok' | 'warning' | 'problem'
  readonly cause?: string
  /** The command that mends it, or what to do. */
  readonly next?: string
  /** True where `fix` mended it just now. */
  readonly fixed?: true
}
