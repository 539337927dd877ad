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
  'major-version',
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
