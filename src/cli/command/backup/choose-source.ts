import { basename } from 'node:path'
import type { BackupSource } from '../../../app-backup.ts'
import type { OptionRow } from '../../command-row.ts'
import { openInput } from '../../input/read-input.ts'
import type { Invocation } from '../../invocation.ts'
import { IN } from '../../line/option-rows.ts'

/** What a backup is made of. */
export const SOURCE_OPTIONS: readonly OptionRow[] = [
  { flags: '--files <path>', help: 'option.backupFiles', repeats: true },
  IN,
  { flags: '--name <text>', help: 'option.backupName' },
]

/** Files and folders, or else --in or standard input. */
export async function chooseSource(invocation: Invocation): Promise<BackupSource> {
  const { options } = invocation
  options.exclude('files', 'in')
  const { filesSource, streamSource } = await import('../../../app-backup.ts')
  const paths = options.list('files')
  if (paths.length > 0) return filesSource({ paths })
  const path = options.text('in')
  const name = options.text('name') ?? (path === undefined || path === '-' ? 'stdin' : basename(path))
  return streamSource({ name, input: openInput(invocation), isOwned: true })
}
