import { constants } from 'node:fs'
import { type FileHandle, open, rename, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'

/** Where checkpoints are kept beside the database: a file now; an object store fits as well. */
export interface CheckpointCopy {
  /** For the reader of an error. */
  readonly place: string
  /** `undefined` when there is none. */
  read(): Promise<string | undefined>
  /** Durable and whole when it resolves. */
  write(text: string): Promise<void>
}

const OWNER_ONLY = 0o600
/** 512 checkpoints of the greatest length that we write take 400 kB. */
const MAX_COPY_BYTES = 4 * 1024 * 1024

export interface CopyPlace {
  readonly dataDir: string
  readonly checkpointFile?: string
  readonly environment?: Readonly<Record<string, string | undefined>>
}

/** The file that was chosen, or that COFFRE_CHECKPOINT_FILE names, or one beside the database. */
export function copyFor({ dataDir, checkpointFile, environment = process.env }: CopyPlace): CheckpointCopy {
  const variable = environment['COFFRE_CHECKPOINT_FILE']
  const named = variable === undefined || variable === '' ? join(dataDir, 'audit-checkpoints') : variable
  return fileCopy(checkpointFile ?? named)
}

function fileCopy(path: string): CheckpointCopy {
  return { place: path, read: () => readText(path), write: (text) => replaceFile(path, text) }
}

async function readText(path: string): Promise<string | undefined> {
  let file: FileHandle
  try {
    file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW)
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined
    throw error
  }
  try {
    const { size } = await file.stat()
    if (size > MAX_COPY_BYTES) throw new RangeError('longer than a copy of checkpoints')
    // Bytes that are not UTF-8 become U+FFFD, which no signature covers.
    return await file.readFile('utf8')
  } finally {
    await file.close()
  }
}

/** Whoever dies in the middle leaves the file as it was. Several processes may write one file. */
async function replaceFile(path: string, text: string): Promise<void> {
  const part = `${path}.${process.pid}.part`
  await rm(part, { force: true })
  try {
    const flags = constants.O_CREAT | constants.O_EXCL | constants.O_WRONLY | constants.O_NOFOLLOW
    await withFile(await open(part, flags, OWNER_ONLY), async (file) => {
      await file.writeFile(text)
      await file.sync()
    })
    await rename(part, path)
  } finally {
    await rm(part, { force: true })
  }
  await withFile(await open(dirname(path), constants.O_RDONLY), (folder) => folder.sync())
}

async function withFile(file: FileHandle, work: (file: FileHandle) => Promise<void>): Promise<void> {
  try {
    await work(file)
  } finally {
    await file.close()
  }
}
