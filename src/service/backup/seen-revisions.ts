import { readFile } from 'node:fs/promises'
import { setTimeout } from 'node:timers/promises'
import { z } from 'zod'
import { CoffreError, hasCode } from '../../model/errors.ts'
import { writePrivateFile } from '../../seal/file/private-file.ts'

/** The newest revision of each catalogue that this machine has seen, outside of the target: an older one was put back. */
export interface SeenRevisions {
  read(place: string, series: string): Promise<number>
  /** Never makes it less. */
  remember(place: string, series: string, revision: number): Promise<void>
  /** Whatever was seen before. */
  accept(place: string, series: string, revision: number): Promise<void>
}

const FILE = z.record(z.string().max(4_096), z.int().min(0))
const MAX_SERIES = 10_000
/** Each of the others who write holds the lock for some milliseconds. */
const WAIT_MS = 20
const MAX_WAITS = 500

/** Takes the lock of that path or throws STORE_IN_USE; answers how to let go. */
export type TakeLock = (path: string) => Promise<() => void>

/** A JSON file for all series. What is there and cannot be read is an error, not a first time. */
export class SeenRevisionsFile implements SeenRevisions {
  readonly #path: string
  readonly #takeLock: TakeLock

  constructor(path: string, takeLock: TakeLock) {
    this.#path = path
    this.#takeLock = takeLock
  }

  async read(place: string, series: string): Promise<number> {
    return (await this.#load())[nameOf(place, series)] ?? 0
  }

  async remember(place: string, series: string, revision: number): Promise<void> {
    await this.#write(nameOf(place, series), revision, (seen) => seen >= revision)
  }

  async accept(place: string, series: string, revision: number): Promise<void> {
    await this.#write(nameOf(place, series), revision, (seen) => seen === revision)
  }

  async #write(name: string, revision: number, isDone: (seen: number) => boolean): Promise<void> {
    const release = await this.#lock()
    try {
      const all = await this.#load()
      if (isDone(all[name] ?? 0)) return
      const text = `${JSON.stringify({ ...all, [name]: revision }, undefined, 2)}\n`
      await writePrivateFile(this.#path, text, { ifExists: 'replace' })
    } finally {
      release()
    }
  }

  /** Backups of several series begin at the same minute, each in a process of its own. */
  async #lock(): Promise<() => void> {
    for (let wait = 1; ; wait += 1) {
      try {
        return await this.#takeLock(`${this.#path}.lock`)
      } catch (error) {
        if (!hasCode(error, 'STORE_IN_USE') || wait === MAX_WAITS) throw error
        await setTimeout(WAIT_MS)
      }
    }
  }

  async #load(): Promise<Readonly<Record<string, number>>> {
    const text = await this.#readText()
    const parsed = FILE.safeParse(parseJson(text))
    if (parsed.success && Object.keys(parsed.data).length <= MAX_SERIES) return parsed.data
    const facts = { file: this.#path, expected: 'the revisions of backup series that were seen' }
    throw new CoffreError('CONFIG_REFUSED', { facts })
  }

  async #readText(): Promise<string> {
    try {
      return await readFile(this.#path, 'utf8')
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return '{}'
      throw error
    }
  }
}

function nameOf(place: string, series: string): string {
  return `${place} ${series}`
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
