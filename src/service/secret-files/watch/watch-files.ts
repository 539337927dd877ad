import { type BigIntStats, constants } from 'node:fs'
import { lstat, open } from 'node:fs/promises'
import { setTimeout } from 'node:timers/promises'
import { writePrivateFile } from '../../../seal/file/private-file.ts'
import type { FilePlace } from '../change/file-place.ts'
import type { Workspace } from '../change/workspace.ts'
import { findKeyPlaces } from '../check/find-files.ts'
import type { Project } from '../project.ts'
import { logEvent } from '../state.ts'
import { lookAtProject } from '../with-project.ts'

const LOOK_EVERY_MS = 1_000
const READ_ONLY = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK
const PERMISSIONS = 0o7777n

export const FILE_EVENTS = ['read', 'changed', 'created', 'removed', 'mode', 'reads-unseen'] as const

/** `reads-unseen`: the file system does not note when that file is read. */
export type FileEventType = (typeof FILE_EVENTS)[number]

export interface FileEvent {
  readonly at: string
  readonly type: FileEventType
  readonly file: string
}

export interface WatchRequest {
  readonly signal: AbortSignal
  /** From now on nothing is missed. */
  readonly onStart?: () => Promise<void> | void
  readonly onEvent: (event: FileEvent) => Promise<void> | void
  readonly now?: () => number
}

type Seen = Map<string, BigIntStats>

/**
 * Tells and records in `.coffre/security.log` what happens to the files that hold keys, until `signal`: that one was read
 * since the last look, not by whom. It looks each second at what the file system notes of a file.
 */
export async function watchSecretFiles(folder: string, request: WatchRequest): Promise<void> {
  const { signal, onStart, onEvent, now = Date.now } = request
  const tell = async (workspace: Workspace, type: FileEventType, file: string) => {
    const at = now()
    await record(workspace, { at, type: `secret-file.${type}`, facts: { file } })
    await onEvent({ at: new Date(at).toISOString(), type, file })
  }
  const seen: Seen = new Map()
  await lookAtProject(folder, async ({ workspace, project }) => {
    for (const place of await findPlaces(workspace, project)) {
      if ((await begin(place, seen)) === 'unseen') await tell(workspace, 'reads-unseen', place.path)
    }
  })
  await onStart?.()
  while (!signal.aborted) {
    await setTimeout(LOOK_EVERY_MS, undefined, { signal }).catch(() => undefined)
    await lookAtProject(folder, async ({ workspace, project }) => {
      for (const { type, file } of await look(workspace, project, seen)) await tell(workspace, type, file)
    })
  }
}

async function record(workspace: Workspace, event: Parameters<typeof logEvent>[1]): Promise<void> {
  const state = await workspace.stateFolder()
  await writePrivateFile(state.at('.gitignore'), '*\n', { ifExists: 'keep' })
  await logEvent(state, event)
}

async function findPlaces(workspace: Workspace, project: Project): Promise<readonly FilePlace[]> {
  const places: FilePlace[] = []
  for (const { target } of await findKeyPlaces(workspace, project)) {
    const place = await workspace.find(target.path)
    if (place !== undefined) places.push(place)
  }
  return places
}

/** Reads a byte itself: whether the file system notes that decides what can be seen. */
async function begin(place: FilePlace, seen: Seen): Promise<'seen' | 'unseen' | 'absent'> {
  await arm(place)
  const before = await statsOf(place)
  if (before === undefined) return 'absent'
  await readByte(place)
  const after = await statsOf(place)
  await arm(place)
  const last = await statsOf(place)
  if (last !== undefined) seen.set(place.path, last)
  return after !== undefined && after.atimeNs > before.atimeNs ? 'seen' : 'unseen'
}

async function look(
  workspace: Workspace,
  project: Project,
  seen: Seen,
): Promise<readonly Pick<FileEvent, 'type' | 'file'>[]> {
  const events: Pick<FileEvent, 'type' | 'file'>[] = []
  const here = new Set<string>()
  for (const place of await findPlaces(workspace, project)) {
    const now = await statsOf(place)
    if (now === undefined) continue
    here.add(place.path)
    const type = compare(seen.get(place.path), now)
    if (type !== undefined) events.push({ type, file: place.path })
    if (now.atimeNs > now.ctimeNs) await arm(place)
    seen.set(place.path, now)
  }
  for (const file of [...seen.keys()].filter((path) => !here.has(path))) {
    seen.delete(file)
    events.push({ type: 'removed', file })
  }
  return events
}

function compare(before: BigIntStats | undefined, now: BigIntStats): FileEventType | undefined {
  if (before === undefined) return 'created'
  const isSame = before.ino === now.ino && before.size === now.size && before.mtimeNs === now.mtimeNs
  if (!isSame) return 'changed'
  const isOpenAlike = (before.mode & PERMISSIONS) === (now.mode & PERMISSIONS) && before.uid === now.uid
  if (!isOpenAlike) return 'mode'
  return now.atimeNs > before.atimeNs ? 'read' : undefined
}

function statsOf({ folder, name }: FilePlace): Promise<BigIntStats | undefined> {
  return lstat(folder.at(name), { bigint: true }).catch(() => undefined)
}

/**
 * With `relatime`, the usual way to mount, a read is noted only where the last one is older than the last change of the file's
 * inode. Giving it the owner that it has is such a change, and touches neither its bytes nor its time of writing.
 */
async function arm({ folder, name }: FilePlace): Promise<void> {
  const file = await open(folder.at(name), READ_ONLY).catch(() => undefined)
  try {
    await file?.chown(-1, -1)
  } catch {
    // Of another owner; `begin` has told whether its reads are seen.
  } finally {
    await file?.close()
  }
}

async function readByte({ folder, name }: FilePlace): Promise<void> {
  const file = await open(folder.at(name), READ_ONLY).catch(() => undefined)
  try {
    await file?.read(Buffer.alloc(1), 0, 1, 0)
  } catch {
    // A folder, for example: `check` says so.
  } finally {
    await file?.close()
  }
}
