import { readFile } from 'node:fs/promises'
import { z } from 'zod'
import { CoffreError } from '../../model/errors.ts'
import { writePrivateFile } from '../../seal/file/private-file.ts'

/** The newest revision of each catalogue that this machine has seen, outside of the target: an older one was put back. */
export interface SeenRevisions {
  read(place: string, series: string): Promise<number>
  remember(place: string, series: string, revision: number): Promise<void>
}

const FILE = z.record(z.string().max(4_096), z.int().min(0))
const MAX_SERIES = 10_000
const MAX_ATTEMPTS = 10
/** The last write of each file: backups that end at the same moment would lose what the other has seen. */
const turns = new Map<string, Promise<void>>()

/** A JSON file. What is there and cannot be read is an error, not a first time. */
export class SeenRevisionsFile implements SeenRevisions {
  readonly #path: string

  constructor(path: string) {
    this.#path = path
  }

  async read(place: string, series: string): Promise<number> {
    return (await this.#load())[nameOf(place, series)] ?? 0
  }

  async remember(place: string, series: string, revision: number): Promise<void> {
    await inTurn(this.#path, () => this.#write(nameOf(place, series), revision))
  }

  /** Another process may write at the same moment, and take our unfinished file for one that was left. */
  async #write(name: string, revision: number): Promise<void> {
    for (let attempt = 1; ; attempt += 1) {
      const all = { ...(await this.#load()), [name]: revision }
      try {
        await writePrivateFile(this.#path, `${JSON.stringify(all, undefined, 2)}\n`, { ifExists: 'replace' })
        return
      } catch (error) {
        if (!isOvertaken(error) || attempt === MAX_ATTEMPTS) throw error
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

function inTurn(path: string, write: () => Promise<void>): Promise<void> {
  const turn = (turns.get(path) ?? Promise.resolve()).then(write, write)
  turns.set(path, turn)
  const leave = () => {
    if (turns.get(path) === turn) turns.delete(path)
  }
  turn.then(leave, leave)
  return turn
}

function isOvertaken(error: unknown): boolean {
  return error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'EEXIST')
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
