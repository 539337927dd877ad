import { userInfo } from 'node:os'
import { writePrivateFile } from '../../../seal/file/private-file.ts'
import type { Workspace } from '../change/workspace.ts'
import { logEvent } from '../state.ts'

/** Names beyond these are only counted: a log line stays a line. */
const MAX_NAMES = 32

/** Who got values of secret files through Coffre, and what for. */
export interface SecretUse {
  readonly use: 'variables' | 'export' | 'decrypt' | 'diff' | 'edit'
  readonly files: readonly string[]
  /** Of the variables whose values were given. */
  readonly names?: readonly string[]
  /** The program that gets them, without its arguments. */
  readonly program?: string
}

/**
 * Records a use in `.coffre/security.log`, before the values are given. A folder that nobody may write into, as in a
 * container, does not keep an application from its secrets: a process warning tells that there is no record.
 */
export async function recordUse(workspace: Workspace, use: SecretUse): Promise<void> {
  try {
    const state = await workspace.stateFolder()
    await writePrivateFile(state.at('.gitignore'), '*\n', { ifExists: 'keep' })
    await logEvent(state, { at: Date.now(), type: 'secret-file.use', facts: factsOf(use) })
  } catch {
    process.emitWarning(
      `the use of ${use.files.join(', ')} is not recorded: .coffre/security.log cannot be written`,
      'CoffreWarning',
    )
  }
}

function factsOf({ use, files, names = [], program }: SecretUse): Readonly<Record<string, string | number>> {
  const more = names.length - MAX_NAMES
  return {
    use,
    files: files.join(', '),
    ...(names.length === 0 ? {} : { names: names.toSorted().slice(0, MAX_NAMES).join(', ') }),
    ...(more > 0 ? { moreNames: more } : {}),
    ...(program === undefined ? {} : { program }),
    user: nameUser(),
    process: process.pid,
    parent: process.ppid,
  }
}

/** A container may run as a number that no name belongs to. */
function nameUser(): string {
  try {
    return userInfo().username
  } catch {
    return String(process.geteuid?.() ?? '')
  }
}
