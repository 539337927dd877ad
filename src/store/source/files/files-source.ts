import { constants } from 'node:fs'
import { basename, dirname, resolve } from 'node:path'
import { lstat } from 'node:fs/promises'
import type { BackupSource, SourceFacts } from '../../backup-source.ts'
import { asBackupError, printable, sourceFailed } from '../reasons.ts'
import { encodeHead, encodeRecord } from './container.ts'
import { OpenFolder } from './open-folder.ts'
import { measureTree, TreeWalk } from './walk-tree.ts'

export interface FilesSourceOptions {
  /** One folder is backed up as its content; anything else is each under its own name. */
  readonly paths: readonly string[]
}

/** Files are read while others may change them: see docs/spec/backup-files.md. Links and devices are left out. */
export function filesSource({ paths }: FilesSourceOptions): BackupSource {
  const walk = new TreeWalk()
  const roots = paths.map((path) => resolve(path))
  return {
    kind: 'files',
    describe: () => guarded(() => describe(roots)),
    async *read(signal) {
      try {
        yield* joinSmall(readRoots(roots, walk, signal))
      } catch (error) {
        throw asBackupError('BACKUP_SOURCE_FAILED', error)
      }
    },
    counts: () => walk.counts,
  }
}

async function describe(roots: readonly string[]): Promise<SourceFacts> {
  if (roots.length === 0) throw sourceFailed({ reason: 'no path was given' })
  const names = roots.map((root) => basename(root))
  if (new Set(names).size < names.length)
    throw sourceFailed({ reason: 'two of the paths have the same last name' })
  const sums = { files: 0, folders: 0, bytes: 0 }
  for (const root of roots) {
    await requireReadable(root)
    const parent = await OpenFolder.open(dirname(root))
    try {
      await measureTree(parent, Buffer.from(basename(root)), sums)
    } finally {
      await parent.close()
    }
  }
  return { path: printable(roots.join(', ')), paths: roots.length, ...sums }
}

async function requireReadable(root: string): Promise<void> {
  const found = await lstat(root)
  if (found.isFile() || found.isDirectory()) return
  const reason = found.isSymbolicLink()
    ? 'it is a link: give the path that it leads to'
    : 'it is no file or folder'
  throw sourceFailed({ reason, path: printable(root) })
}

async function* readRoots(
  roots: readonly string[],
  walk: TreeWalk,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  yield encodeHead()
  const [only = ''] = roots
  if (roots.length === 1 && (await lstat(only)).isDirectory()) {
    const folder = await OpenFolder.open(only)
    yield* walk.root(folder, signal)
  } else {
    yield* readEach(roots, walk, signal)
  }
  yield encodeRecord({ type: 'end', totals: walk.totals })
}

/** Under a root that no disk has. */
async function* readEach(
  roots: readonly string[],
  walk: TreeWalk,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  const attributes = { mode: constants.S_IRWXU, user: 0, group: 0, changedAt: 0 }
  yield encodeRecord({ type: 'folder', name: Buffer.alloc(0), attributes })
  const named = roots.map((root) => ({ root, name: Buffer.from(basename(root)) }))
  for (const { root, name } of named.toSorted((a, b) => Buffer.compare(a.name, b.name))) {
    const parent = await OpenFolder.open(dirname(root))
    try {
      yield* walk.entry(parent, name, signal)
    } finally {
      await parent.close()
    }
  }
  yield encodeRecord({ type: 'up' })
}

const JOINED_BYTES = 64 * 1024

/** A tree of small files is mostly records of a few bytes; a piece for each would cost more than reading them. */
async function* joinSmall(pieces: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let held: Uint8Array[] = []
  let bytes = 0
  for await (const piece of pieces) {
    held.push(piece)
    bytes += piece.length
    if (bytes < JOINED_BYTES) continue
    yield held.length === 1 ? piece : Buffer.concat(held, bytes)
    held = []
    bytes = 0
  }
  if (bytes > 0) yield Buffer.concat(held, bytes)
}

async function guarded<Answer>(work: () => Promise<Answer>): Promise<Answer> {
  try {
    return await work()
  } catch (error) {
    throw asBackupError('BACKUP_SOURCE_FAILED', error)
  }
}
