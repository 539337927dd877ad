import { lstat, readdir } from 'node:fs/promises'
import { join, relative, resolve } from 'node:path'
import { refused } from '../change/folder.ts'
import { git } from '../change/git.ts'
import { runProgram } from '../run/run-program.ts'

export interface ScannedText {
  readonly file: string
  readonly object?: string
  readonly text: string
}

const SKIPPED = new Set(['node_modules', '.git', '.coffre', '.venv', 'venv', '__pycache__'])
const MAX_BLOB_BYTES = 1024 * 1024
const MAX_LIST_BYTES = 256 * 1024 * 1024
const MAX_MILLISECONDS = 300_000
/** Objects that are asked for at once: at most so many megabytes in memory. */
const BATCH = 64

/** What git tracks or would track, or what lies there without git; `within` names a file of it, or a folder. */
export async function listTree(folder: string, isGit: boolean, within = '.'): Promise<readonly string[]> {
  const start = resolve(folder, within)
  const path = relative(folder, start)
  const found =
    path === '..' || path.startsWith('../') ? undefined : await lstat(start).catch(() => undefined)
  if (found?.isFile() === true) return [path]
  if (found?.isDirectory() !== true)
    throw refused({ file: within, expected: 'a file or folder of the project' })
  const paths = await listAll(folder, isGit)
  return path === '' ? paths : paths.filter((each) => each.startsWith(`${path}/`))
}

async function listAll(folder: string, isGit: boolean): Promise<readonly string[]> {
  if (isGit) {
    const { output } = await git(folder, ['ls-files', '-z', '--cached', '--others', '--exclude-standard'])
    return output
      .toString()
      .split('\0')
      .filter((path) => path !== '')
  }
  return walk(folder, folder)
}

async function walk(root: string, folder: string): Promise<readonly string[]> {
  const paths: string[] = []
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name)
    if (entry.isFile()) paths.push(relative(root, path))
    else if (entry.isDirectory() && !SKIPPED.has(entry.name)) paths.push(...(await walk(root, path)))
  }
  return paths
}

/** Each file as it would be committed. */
export async function* readStaged(folder: string): AsyncGenerator<ScannedText> {
  const { output } = await git(folder, [
    'diff',
    '--cached',
    '--raw',
    '-z',
    '--no-abbrev',
    '--no-renames',
    '--diff-filter=d',
  ])
  const words = output.toString().split('\0')
  const objects: (readonly [object: string, file: string])[] = []
  for (let at = 0; at + 1 < words.length; at += 2) {
    // :100644 100644 <old> <new> M, then the path.
    objects.push([words[at]?.split(' ')[3] ?? '', words[at + 1] ?? ''])
  }
  for await (const { file, text } of readObjects(folder, objects)) yield { file, text }
}

/** Every version of every file that any branch, tag or stash reaches, each once. */
export async function* readHistory(folder: string): AsyncGenerator<ScannedText> {
  const listed = await ask(folder, ['rev-list', '--objects', '--all', '--reflog'], '')
  const objects = listed
    .toString()
    .split('\n')
    .flatMap((line): (readonly [string, string])[] => {
      const space = line.indexOf(' ')
      return space < 0 || line.length === space + 1 ? [] : [[line.slice(0, space), line.slice(space + 1)]]
    })
  yield* readObjects(folder, objects)
}

async function* readObjects(
  folder: string,
  objects: readonly (readonly [object: string, file: string])[],
): AsyncGenerator<ScannedText> {
  const files = new Map(objects)
  const sizes = await ask(
    folder,
    ['cat-file', '--batch-check'],
    [...files.keys()].map((id) => `${id}\n`).join(''),
  )
  const small = sizes
    .toString()
    .split('\n')
    .map((line) => line.split(' '))
    .filter(([, type, size]) => type === 'blob' && Number(size) <= MAX_BLOB_BYTES)
    .map(([id = '']) => id)
  for (let from = 0; from < small.length; from += BATCH) {
    const ids = small.slice(from, from + BATCH)
    const batch = await ask(folder, ['cat-file', '--batch'], ids.map((id) => `${id}\n`).join(''))
    for (const { object, bytes } of divide(batch)) {
      if (!bytes.includes(0)) yield { file: files.get(object) ?? '', object, text: bytes.toString('utf8') }
    }
  }
}

/** `<id> blob <size>`, a line break, the bytes, a line break; over and over. */
function* divide(batch: Buffer): Generator<{ readonly object: string; readonly bytes: Buffer }> {
  let at = 0
  while (at < batch.length) {
    const end = batch.indexOf(0x0a, at)
    if (end < 0) return
    const [object = '', , size = ''] = batch.toString('latin1', at, end).split(' ')
    const from = end + 1
    yield { object, bytes: batch.subarray(from, from + Number(size)) }
    at = from + Number(size) + 1
  }
}

async function ask(folder: string, args: readonly string[], input: string): Promise<Buffer> {
  const request = { command: 'git', args: ['--no-pager', ...args], folder, input }
  const { output } = await runProgram({
    ...request,
    maxMilliseconds: MAX_MILLISECONDS,
    maxBytes: MAX_LIST_BYTES,
  })
  return output
}
