import type { EnvironmentName } from '../project.ts'
import { WEAKNESSES } from './strength.ts'

export const KEY_FINDINGS = [
  ...WEAKNESSES,
  'missing',
  'refused',
  'files-differ',
  'reused',
  'mode',
  'folder-mode',
  'tracked',
  'not-ignored',
  'overdue',
  'previous-expired',
  'env-file-in-production',
] as const

export type KeyFindingCode = (typeof KEY_FINDINGS)[number]

/** What is wrong with a key or a file that holds it. It shows no part of a key. */
export interface KeyFinding {
  readonly code: KeyFindingCode
  readonly file?: string
  readonly environment?: EnvironmentName
  /** What the file must be, or which file is meant as well. */
  readonly detail?: string
}

/** Days until the next rotation; development has none (on every major change). */
export const ROTATION_DAYS: Readonly<Record<EnvironmentName, number | undefined>> = {
  dev: undefined,
  staging: 91,
  production: 182,
}
