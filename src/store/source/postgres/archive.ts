import { contentRefused, ProgramFailure } from '../reasons.ts'
import { type Program, feedProgram } from '../program.ts'

/** The list of what is in an archive comes first. A database of 100,000 tables has one of about 50 MB. */
const MAX_LIST_BYTES = 256 * 1024 * 1024

/**
 * Has `pg_restore --list` read the beginning of an archive, which reads no more than the list, and gives everything on
 * afterwards. Throws BACKUP_CONTENT_REFUSED for what is no archive.
 */
export async function* checkList(
  list: Program,
  archive: AsyncIterable<Uint8Array>,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  const pieces = archive[Symbol.asyncIterator]()
  try {
    const beginning = await readBeginning(list, pieces, signal)
    yield* beginning
    // It goes where it went; nothing is held any more.
    beginning.length = 0
    for (let next = await pieces.next(); next.done !== true; next = await pieces.next()) yield next.value
  } finally {
    await pieces.return?.()
  }
}

async function readBeginning(
  list: Program,
  pieces: AsyncIterator<Uint8Array>,
  signal: AbortSignal,
): Promise<Uint8Array[]> {
  const held: Uint8Array[] = []
  let bytes = 0
  const kept = async function* (): AsyncGenerator<Uint8Array> {
    for (let next = await pieces.next(); next.done !== true; next = await pieces.next()) {
      // A copy: the piece is only lent.
      held.push(Uint8Array.from(next.value))
      bytes += next.value.length
      if (bytes > MAX_LIST_BYTES)
        throw contentRefused({ reason: 'the list of the archive is too long', bytes })
      yield next.value
    }
  }
  try {
    await feedProgram(list, { [Symbol.asyncIterator]: kept }, signal)
  } catch (error) {
    if (error instanceof ProgramFailure) throw contentRefused({ ...error.facts })
    throw error
  }
  return held
}
