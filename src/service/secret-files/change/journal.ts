import { readFile, rm } from 'node:fs/promises'
import { writePrivateFile } from '../../../seal/file/private-file.ts'
import { isCode, refused } from './folder.ts'

const MAX_JOURNAL_FILES = 64
const PHASES = ['writing', 'switching', 'keeping', 'done'] as const

export interface JournalFile {
  /** From the project's folder. */
  readonly path: string
  /** Whether there was a file before. */
  readonly existed: boolean
  /** What the new file is known by, from `switching` on: whoever saves it again changes this. */
  readonly written?: string
}

/**
 * What a change is about to do, on disk before it does it. `writing`: no target is touched yet. `switching`: some may
 * be the new ones. `keeping`: the same, and those stay. `done`: the new ones stay, and what is left of the old ones is to go.
 */
export interface Journal {
  readonly id: string
  readonly phase: (typeof PHASES)[number]
  readonly files: readonly JournalFile[]
  /** Folders that the change made, in their order. */
  readonly folders: readonly string[]
  /** The variables that it sets: in a file that somebody saved meanwhile only these go back. */
  readonly names?: readonly string[]
}

export async function writeJournal(path: string, journal: Journal): Promise<void> {
  await writePrivateFile(path, `${JSON.stringify(journal)}\n`, { ifExists: 'replace' })
}

export async function readJournal(path: string): Promise<Journal | undefined> {
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    if (isCode(error, 'ENOENT')) return undefined
    throw error
  })
  return text === undefined ? undefined : parseJournal(text, path)
}

export async function removeJournal(path: string): Promise<void> {
  await rm(path, { force: true })
}

function parseJournal(text: string, path: string): Journal {
  const value: unknown = parseJson(text)
  if (!isJournal(value)) throw refused({ file: path, expected: 'the journal of a change' })
  return value
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function isJournal(value: unknown): value is Journal {
  if (typeof value !== 'object' || value === null) return false
  if (!('id' in value && 'phase' in value && 'files' in value && 'folders' in value)) return false
  const { id, phase, files, folders } = value
  const names: unknown = 'names' in value ? value.names : []
  return (
    typeof id === 'string' &&
    /^[0-9a-f]{16}$/.test(id) &&
    PHASES.some((known) => known === phase) &&
    Array.isArray(files) &&
    files.length <= MAX_JOURNAL_FILES &&
    files.every(isJournalFile) &&
    Array.isArray(folders) &&
    folders.every((folder) => typeof folder === 'string') &&
    Array.isArray(names) &&
    names.every((name) => typeof name === 'string')
  )
}

function isJournalFile(value: unknown): value is JournalFile {
  if (typeof value !== 'object' || value === null || !('path' in value && 'existed' in value)) return false
  const written = 'written' in value ? value.written : undefined
  return (
    typeof value.path === 'string' &&
    typeof value.existed === 'boolean' &&
    (written === undefined || typeof written === 'string')
  )
}
