import { constants } from 'node:fs'
import { open } from 'node:fs/promises'
import { CoffreError } from '../../../model/errors.ts'
import { type FilePlace, readPlace, textOf } from '../change/file-place.ts'
import type { Workspace } from '../change/workspace.ts'
import { type KeyFile, previousNames, valueIn } from '../key-files.ts'
import type { KeyFinding } from './finding.ts'
import type { KeyPlace } from './find-files.ts'

const OTHERS = 0o077
const OWNER_ONLY = 0o600

export interface ExaminedFile extends KeyPlace {
  /** Absent where there is no file, or none that may be read. */
  readonly file?: KeyFile
  readonly key?: string
  /** Keys from before the last rotations. */
  readonly previous: readonly string[]
  readonly findings: readonly KeyFinding[]
}

export interface ExamineOptions {
  readonly name: string
  /** Mends modes. */
  readonly fix: boolean
}

/** One file with its modes, and the keys in it. */
export async function examineFile(
  workspace: Workspace,
  at: KeyPlace,
  { name, fix }: ExamineOptions,
): Promise<ExaminedFile> {
  const { target, environment } = at
  const named = { file: target.path, environment }
  try {
    const place = await workspace.find(target.path)
    const found = place === undefined ? undefined : await readPlace(place)
    if (place === undefined || found === undefined) return { ...at, previous: [], findings: [] }
    const file = { target, found, text: textOf(place, found.bytes) }
    const key = valueIn(file, name)
    const previous = previousNames(name).flatMap((each) => valueIn(file, each) ?? [])
    const findings = (await findOpenModes(place, { mode: found.mode, fix })).map((code) => ({
      code,
      ...named,
    }))
    return {
      ...at,
      file,
      findings,
      previous,
      ...(key === undefined ? {} : { key }),
    }
  } catch (error) {
    if (!(error instanceof CoffreError) || error.code !== 'SECRET_FILE_REFUSED') throw error
    return {
      ...at,
      previous: [],
      findings: [{ code: 'refused', ...named, detail: String(error.facts['expected']) }],
    }
  }
}

/** What others may do with it, unless that was mended. */
async function findOpenModes(
  place: FilePlace,
  { mode, fix }: { readonly mode: number; readonly fix: boolean },
): Promise<readonly ('mode' | 'folder-mode')[]> {
  const isFileOpen = (mode & OTHERS) !== 0
  const isFolderOpen = place.path.includes('/') && ((await place.folder.mode()) & OTHERS) !== 0
  if (fix && isFileOpen) await keepForOwner(place)
  if (fix && isFolderOpen) await place.folder.keepForOwner()
  if (fix) return []
  return [...(isFileOpen ? (['mode'] as const) : []), ...(isFolderOpen ? (['folder-mode'] as const) : [])]
}

async function keepForOwner({ folder, name }: FilePlace): Promise<void> {
  const file = await open(folder.at(name), constants.O_RDONLY | constants.O_NOFOLLOW)
  try {
    await file.chmod(OWNER_ONLY)
  } finally {
    await file.close()
  }
}
