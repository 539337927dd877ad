import { mkdir, open, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Secret } from '../../model/secret.ts'
import { askText } from '../input/prompt.ts'
import type { Invocation } from '../invocation.ts'
import { UsageError } from '../usage-error.ts'
import { canAsk, writeTo } from './terminal.ts'

const OWNER_ONLY_FOLDER = 0o700
const OWNER_ONLY_FILE = 0o600

export interface Quorum {
  readonly shares: number
  readonly threshold: number
}

export const QUORUM_OPTIONS = [
  { flags: '--shares <number>', help: 'option.shares' },
  { flags: '--threshold <number>', help: 'option.threshold' },
  { flags: '--shares-dir <folder>', help: 'option.sharesDir' },
  { flags: '--print-shares', help: 'option.printShares' },
] as const

/** 3 of 5 unless it is said otherwise. */
export function readQuorum({ options }: Invocation): Quorum {
  const shares = options.wholeNumber('shares', { from: 2, to: 32 }) ?? 5
  const threshold = options.wholeNumber('threshold', { from: 2, to: 32 }) ?? Math.min(3, shares)
  if (threshold > shares)
    throw UsageError.of('usage.wholeNumber', { name: '--threshold', from: 2, to: shares })
  return { shares, threshold }
}

/** Before anything is begun: shares that have no place to go would be lost. */
export async function requireSharePlace({ options }: Invocation): Promise<void> {
  const folder = options.text('shares-dir')
  if (folder === undefined && !options.flag('print-shares')) {
    throw UsageError.of('usage.oneOf', { name: '--shares-dir', other: '--print-shares' })
  }
  options.exclude('shares-dir', 'print-shares')
  if (folder === undefined) return
  await mkdir(folder, { recursive: true, mode: OWNER_ONLY_FOLDER }).catch(() => unwritable())
  if ((await readdir(folder)).length > 0)
    throw UsageError.of('usage.folderNotEmpty', { name: '--shares-dir' })
}

/** Each into a file of its own, or one after another on the screen. Answers the files. */
export async function keepShares(
  invocation: Invocation,
  shares: readonly Secret[],
): Promise<readonly string[]> {
  const { viewShare } = await import('../../app.ts')
  const folder = invocation.options.text('shares-dir')
  if (folder === undefined) {
    await printShares(invocation, shares)
    return []
  }
  const files: string[] = []
  for (const share of shares) {
    const { setId, number, count } = viewShare(share)
    const path = join(folder, `share-${number}-of-${count}-${setId}.txt`)
    await writeShare(path, share)
    files.push(path)
  }
  return files
}

async function writeShare(path: string, share: Secret): Promise<void> {
  const file = await open(path, 'wx', OWNER_ONLY_FILE).catch(() => unwritable())
  try {
    await file.writeFile(`${share.reveal()}\n`)
    await file.sync()
  } finally {
    await file.close()
  }
}

/** One person looks at a time: at a terminal each waits for a key, and is wiped from the screen. */
async function printShares({ printer, terminal }: Invocation, shares: readonly Secret[]): Promise<void> {
  for (const [index, share] of shares.entries()) {
    const isScreen = terminal.stdout.isTTY === true && canAsk(terminal)
    await writeTo(terminal.stdout, `${share.reveal()}\n`)
    if (!isScreen || index === shares.length - 1) continue
    await askText(printer, 'prompt.nextShare')
    await writeTo(terminal.stdout, '\u001b[2J\u001b[3J\u001b[H')
  }
}

function unwritable(): never {
  throw UsageError.of('usage.fileUnwritable', { name: '--shares-dir' })
}
