import { constants } from 'node:fs'
import { link, lstat, open, rename, rm } from 'node:fs/promises'
import { randomBytes } from '../../../crypto/random.ts'
import { CoffreError } from '../../../model/errors.ts'
import { type FilePlace, type FoundFile, readPlace, refuseReadOnly } from './file-place.ts'
import { isCode, refused } from './folder.ts'
import { type Journal, type JournalFile, readJournal, removeJournal, writeJournal } from './journal.ts'
import type { Workspace } from './workspace.ts'

const NEW_FILE = constants.O_CREAT | constants.O_EXCL | constants.O_WRONLY | constants.O_NOFOLLOW
const OWNER_ONLY = 0o600
const JOURNAL = 'change.json'

export interface Edit {
  readonly path: string
  /** What was read, and from which `content` was made. */
  readonly found: FoundFile | undefined
  readonly content: Uint8Array
  /** 0600 when absent. */
  readonly mode?: number
}

interface Step {
  readonly place: FilePlace
  readonly edit: Edit
}

/** New files that are in place, with the old ones beside them until `keep` or `undo`. */
export interface Pending {
  /** The new ones stay. */
  keep(): Promise<void>
  /**
   * The old ones come back, byte for byte and as the same files. What somebody saved meanwhile stays as they saved it;
   * answers those.
   */
  undo(): Promise<readonly EditedFile[]>
}

/** A file that somebody saved after the change. */
export interface EditedFile {
  readonly path: string
  /** The bytes before the change; absent where there was no file. */
  readonly before?: Buffer
}

export interface ChangeRules {
  /** `undo` when absent. */
  readonly ifInterrupted?: 'undo' | 'keep'
  /** The variables that the edits set. */
  readonly names?: readonly string[]
}

/**
 * Puts every edit in place or none. Each new file is whole on the disk beside its target before any target changes;
 * the old ones keep a second name until the end. Whoever dies in the middle leaves the journal, and `recover` goes
 * back to the old files; with `keep` it leaves those that are in place already. `verify` sees what was written and may still refuse.
 */
export async function applyEdits(
  workspace: Workspace,
  edits: readonly Edit[],
  verify: (written: ReadonlyMap<string, Uint8Array>) => Promise<void>,
  { ifInterrupted = 'undo', names = [] }: ChangeRules = {},
): Promise<Pending> {
  const journalPath = (await workspace.stateFolder()).at(JOURNAL)
  const steps: Step[] = []
  for (const edit of edits) steps.push({ edit, place: await workspace.place(edit.path) })
  const journal: Journal = {
    id: Buffer.from(randomBytes(8)).toString('hex'),
    phase: 'writing',
    files: edits.map(({ path, found }) => ({ path, existed: found !== undefined })),
    folders: workspace.made,
    ...(names.length === 0 ? {} : { names }),
  }
  const undo = () => recover(workspace).then((recovered) => recovered?.edited ?? [])
  try {
    await writeJournal(journalPath, journal)
    for (const step of steps) await writeBeside(step, journal)
    await verify(await readBack(steps, journal))
    await writeJournal(
      journalPath,
      ifInterrupted === 'keep' ? { ...journal, phase: 'keeping' } : await switching(journal, steps),
    )
    for (const step of steps) await switchOver(step, journal)
  } catch (error) {
    await undo()
    await workspace.removeFolders(journal.folders)
    throw toRefusal(error)
  }
  const keep = async () => {
    await writeJournal(journalPath, { ...journal, phase: 'done' })
    await recover(workspace)
  }
  return { keep, undo }
}

export interface Recovered {
  readonly outcome: 'undone' | 'finished'
  /** They are as that person left them. */
  readonly edited: readonly EditedFile[]
  /** The variables that the change had set. */
  readonly names: readonly string[]
}

/** Ends what an interrupted change left, and answers how; `undefined` where there is nothing. Under the lock only. */
export async function recover(workspace: Workspace): Promise<Recovered | undefined> {
  const state = await workspace.find('.coffre/journal')
  if (state === undefined) return undefined
  const path = state.folder.at(JOURNAL)
  const journal = await readJournal(path)
  if (journal === undefined) return undefined
  const edited: EditedFile[] = []
  for (const file of journal.files) {
    const place = await workspace.find(file.path)
    if (place === undefined) continue
    if (journal.phase === 'switching' && (await putBack(place, journal, file)) === 'edited') {
      const before = await readPlace({ ...place, name: beside(place, journal, 'old') })
      edited.push({ path: file.path, ...(before === undefined ? {} : { before: before.bytes }) })
    }
    await removeAll(place, journal)
  }
  if (journal.phase !== 'done') await workspace.removeFolders(journal.folders)
  await removeJournal(path)
  await state.folder.sync()
  const outcome = journal.phase === 'done' ? 'finished' : 'undone'
  return { outcome, edited, names: journal.names ?? [] }
}

async function writeBeside({ place, edit }: Step, journal: Journal): Promise<void> {
  const { folder } = place
  if (edit.found !== undefined) {
    refuseReadOnly(place.path, edit.found)
    await link(folder.at(place.name), folder.at(beside(place, journal, 'old')))
  }
  const file = await open(folder.at(beside(place, journal, 'new')), NEW_FILE, OWNER_ONLY)
  try {
    if (edit.mode !== undefined) await file.chmod(edit.mode)
    await file.writeFile(edit.content)
    await file.sync()
  } finally {
    await file.close()
  }
  await folder.sync()
}

async function readBack(steps: readonly Step[], journal: Journal): Promise<ReadonlyMap<string, Uint8Array>> {
  const written = new Map<string, Uint8Array>()
  for (const { place, edit } of steps) {
    const file = await readPlace({ ...place, name: beside(place, journal, 'new') })
    if (file === undefined || !file.bytes.equals(edit.content))
      throw refused({ file: edit.path, expected: 'a disk that keeps what is written' })
    written.set(edit.path, file.bytes)
  }
  return written
}

async function switching(journal: Journal, steps: readonly Step[]): Promise<Journal> {
  const files: JournalFile[] = []
  for (const [index, { place }] of steps.entries()) {
    const file = journal.files[index]
    const written = await stampOf(place, beside(place, journal, 'new'))
    if (file !== undefined && written !== undefined) files.push({ ...file, written })
  }
  return { ...journal, phase: 'switching', files }
}

async function switchOver({ place, edit }: Step, journal: Journal): Promise<void> {
  const { folder, name } = place
  if (edit.found === undefined) {
    // link refuses a name that was taken in the meantime; rename would replace it.
    await link(folder.at(beside(place, journal, 'new')), folder.at(name))
  } else {
    await refuseChanged(place, edit.found, journal)
    await rename(folder.at(beside(place, journal, 'new')), folder.at(name))
  }
  await folder.sync()
}

/** Somebody may have saved the file since it was read. A second name changes ctime, so only the rest is compared. */
async function refuseChanged(place: FilePlace, found: FoundFile, journal: Journal): Promise<void> {
  const old = await lstat(place.folder.at(beside(place, journal, 'old')), { bigint: true })
  const now = await lstat(place.folder.at(place.name), { bigint: true }).catch(() => undefined)
  const [inode, size, modified] = found.stamp.split(':')
  const isSame =
    now?.ino === old.ino &&
    String(old.ino) === inode &&
    String(old.size) === size &&
    String(old.mtimeNs) === modified
  if (!isSame) throw new CoffreError('CONFLICT', { facts: { file: place.path } })
}

async function putBack(
  place: FilePlace,
  journal: Journal,
  { existed, written }: JournalFile,
): Promise<'old' | 'edited'> {
  const { folder, name } = place
  const [current, old, fresh] = await Promise.all([
    stampOf(place, name),
    stampOf(place, beside(place, journal, 'old')),
    stampOf(place, beside(place, journal, 'new')),
  ])
  // While the new file of a file that existed still has its own name, the target was not switched.
  const isSwitched = existed ? old !== undefined && fresh === undefined : fresh !== undefined
  if (!isSwitched || current === old) return 'old'
  if (current !== undefined && current !== written) return 'edited'
  if (existed) await rename(folder.at(beside(place, journal, 'old')), folder.at(name))
  else await rm(folder.at(name), { force: true })
  await folder.sync()
  return 'old'
}

async function removeAll(place: FilePlace, journal: Journal): Promise<void> {
  // In this order: an old name that is gone is never put back.
  for (const kind of ['old', 'new'] as const) {
    await rm(place.folder.at(beside(place, journal, kind)), { force: true })
  }
  await place.folder.sync()
}

/** What a file is known by: a second name changes its ctime, so that is not in it. */
async function stampOf(place: FilePlace, name: string): Promise<string | undefined> {
  const found = await lstat(place.folder.at(name), { bigint: true }).catch((error: unknown) => {
    if (isCode(error, 'ENOENT')) return undefined
    throw error
  })
  return found === undefined ? undefined : [found.ino, found.size, found.mtimeNs].join(':')
}

function beside({ name }: FilePlace, { id }: Journal, kind: 'old' | 'new'): string {
  return `.${name.replace(/^\./, '')}.coffre-${id}.${kind}`
}

function toRefusal(error: unknown): unknown {
  if (error instanceof CoffreError || !(error instanceof Error) || !('code' in error)) return error
  const expected = isCode(error, 'ENOSPC', 'EDQUOT', 'EFBIG')
    ? 'space on the disk'
    : 'a folder that can be written'
  return refused({ reason: String(error.code), expected }, error)
}
