import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const MAX_SEED = 2 ** 31

/** A whole number of at least `minimum`. Throws a RangeError that names the option. */
export function readNumber(
  name: string,
  text: string | undefined,
  { absent, minimum = 1 }: { readonly absent: number; readonly minimum?: number },
): number {
  if (text === undefined) return absent
  const value = Number(text)
  if (!Number.isSafeInteger(value) || value < minimum)
    throw new RangeError(`--${name} is a whole number from ${minimum}`)
  return value
}

/** The same seed aims at the same moments and makes the same inputs; a campaign prints the one it took. */
export function readSeed(text: string | undefined): number {
  return readNumber('seed', text, { absent: Math.floor(Math.random() * MAX_SEED), minimum: 0 })
}

/** Runs `work` in a new folder, which is removed when it succeeds and kept for a look when it fails. */
export async function inKeptFolder(work: (folder: string) => Promise<void>): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), 'coffre-campaign-'))
  try {
    await work(folder)
    rmSync(folder, { recursive: true })
    return 0
  } catch (error) {
    console.error(error)
    console.error(`kept for a look: ${folder}`)
    return 1
  }
}
