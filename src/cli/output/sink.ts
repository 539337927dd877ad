import { rmSync } from 'node:fs'
import { constants } from 'node:os'
import { lstat, link, mkdtemp, open, rename, rm, type FileHandle } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { Invocation } from '../invocation.ts'
import { writeTo } from './terminal.ts'
import { UsageError } from '../usage-error.ts'

/** Where a result goes: standard output, or a file that appears whole or not at all. */
export interface Sink {
  readonly isTerminal: boolean
  write(chunk: string | Uint8Array): Promise<void>
}

const OWNER_ONLY = 0o600

/** Opens the file of `option` (or standard output), runs `work`, and keeps the file only when it succeeds. */
export async function withSink(
  invocation: Invocation,
  option: string,
  work: (sink: Sink) => Promise<void>,
): Promise<void> {
  const path = invocation.options.text(option)
  const { stdout } = invocation.terminal
  if (path === undefined)
    return work({ isTerminal: stdout.isTTY === true, write: (chunk) => writeTo(stdout, chunk) })
  await withFileSink(invocation, { path, option }, work)
}

/** As `withSink`, where one option stands for several files. */
export async function withFileSink(
  invocation: Invocation,
  { path, option }: { readonly path: string; readonly option: string },
  work: (sink: Sink) => Promise<void>,
): Promise<void> {
  const target = { path, name: `--${option}`, replace: invocation.options.flag('force') }
  if (!target.replace && (await exists(path))) throw UsageError.of('usage.fileExists', { name: target.name })
  await writeNewFile(target, work)
}

interface Target {
  readonly path: string
  readonly name: string
  readonly replace: boolean
}

async function writeNewFile(target: Target, work: (sink: Sink) => Promise<void>): Promise<void> {
  // A folder of our own beside the target: same file system, and nobody else can look into it.
  const folder = await mkdtemp(join(dirname(target.path), '.coffre-')).catch(() => unwritable(target))
  const forget = removeOnSignal(folder)
  try {
    const draft = join(folder, 'draft')
    const file = await open(draft, 'wx', OWNER_ONLY)
    await fill(file, work)
    await publish(draft, target)
  } finally {
    await rm(folder, { recursive: true, force: true })
    forget()
  }
}

/** An interrupted draft can be plaintext. Answers how to end the watch. */
function removeOnSignal(folder: string): () => void {
  const remove = (signal: NodeJS.Signals) => {
    rmSync(folder, { recursive: true, force: true })
    // As shells report a process that the signal ended.
    process.exit(128 + constants.signals[signal])
  }
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const
  for (const signal of signals) process.once(signal, remove)
  return () => {
    for (const signal of signals) process.off(signal, remove)
  }
}

async function fill(file: FileHandle, work: (sink: Sink) => Promise<void>): Promise<void> {
  try {
    await work({
      isTerminal: false,
      write: async (chunk) => {
        await file.appendFile(chunk)
      },
    })
    await file.sync()
  } finally {
    await file.close()
  }
}

async function publish(draft: string, target: Target): Promise<void> {
  try {
    // link refuses a name that was taken in the meantime; rename replaces it.
    await (target.replace ? rename(draft, target.path) : link(draft, target.path))
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') {
      throw UsageError.of('usage.fileExists', { name: target.name })
    }
    unwritable(target)
  }
}

export async function exists(path: string): Promise<boolean> {
  return lstat(path).then(
    () => true,
    () => false,
  )
}

function unwritable(target: Target): never {
  throw UsageError.of('usage.fileUnwritable', { name: target.name })
}
