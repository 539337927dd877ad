import { writePrivateFile } from '../../seal/file/private-file.ts'
import { recover } from './change/change.ts'
import { Workspace } from './change/workspace.ts'
import type { OpenFolder } from './change/folder.ts'
import { restoreValues } from './key-files.ts'
import { dropPlainBackups } from './plain-backup.ts'
import { logEvent } from './state.ts'
import { type Project, readProject } from './project.ts'

/** What the work on secret files stands on. */
export interface SecretFilesParts {
  /** The project's folder. */
  readonly folder: string
  readonly now: () => number
  /** Keeps every other process away from `path` until it is called back; SECRET_FILE_BUSY where one is there. */
  readonly lock: (path: string) => Promise<() => void>
}

export interface ProjectScene {
  readonly workspace: Workspace
  readonly project: Project
  /** `.coffre`, for journal, fingerprints, backups and log. */
  readonly state: OpenFolder
  readonly now: () => number
}

/** Runs `work` alone on the project, after whatever an interrupted change left was ended. */
export async function withProject<Result>(
  parts: SecretFilesParts,
  work: (scene: ProjectScene) => Promise<Result>,
): Promise<Result> {
  const workspace = await Workspace.open(parts.folder)
  try {
    const state = await workspace.stateFolder()
    const release = await parts.lock(state.at('lock'))
    try {
      await writePrivateFile(state.at('.gitignore'), '*\n', { ifExists: 'keep' })
      await finishInterrupted(workspace, state, parts.now())
      await dropPlainBackups(workspace, parts.now())
      const project = await readProject(workspace)
      return await work({ workspace, project, state, now: parts.now })
    } finally {
      release()
    }
  } finally {
    await workspace.close()
  }
}

/**
 * What an interrupted change left goes back; from a file that somebody saved meanwhile only its values do. What cannot
 * be taken out of such a file is recorded.
 */
async function finishInterrupted(workspace: Workspace, state: OpenFolder, at: number): Promise<void> {
  const recovered = await recover(workspace)
  if (recovered === undefined) return
  const { outcome, edited, names } = recovered
  const paths = edited.map(({ path }) => path)
  const isRestored = await restoreValues(workspace, edited, names).then(
    () => true,
    () => false,
  )
  const facts = {
    outcome,
    ...(paths.length === 0 ? {} : { edited: paths.join(', ') }),
    ...(isRestored ? {} : { kept: 'the new values' }),
  }
  await logEvent(state, { at, type: 'secret-file.recover', facts })
}

/** As `withProject` for work that changes nothing and leaves no trace; what was interrupted stays so. */
export async function lookAtProject<Result>(
  folder: string,
  work: (scene: Pick<ProjectScene, 'workspace' | 'project'>) => Promise<Result>,
): Promise<Result> {
  const workspace = await Workspace.open(folder)
  try {
    return await work({ workspace, project: await readProject(workspace) })
  } finally {
    await workspace.close()
  }
}
