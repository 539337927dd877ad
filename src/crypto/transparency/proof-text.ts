import { parseSize } from './checkpoint.ts'
import { base64, parseBase64 } from './signed-note.ts'

/** docs/spec/audit-checkpoint.md; c2sp.org/tlog-proof and the add-checkpoint body of c2sp.org/tlog-witness. */

const INCLUSION = 'c2sp.org/tlog-proof@v1'
const HASH_BYTES = 32
const MAX_PATH_HASHES = 63

export interface InclusionProofText {
  readonly index: number
  /** The body of the record. */
  readonly extra?: Uint8Array
  readonly path: readonly Uint8Array[]
  /** A signed note. */
  readonly checkpoint: string
}

export interface ConsistencyProofText {
  readonly from: number
  readonly path: readonly Uint8Array[]
  readonly checkpoint: string
}

export function formatInclusionProof({ index, extra, path, checkpoint }: InclusionProofText): string {
  const head = [INCLUSION, ...(extra === undefined ? [] : [`extra ${base64(extra)}`]), `index ${index}`]
  return `${[...head, ...path.map(base64)].join('\n')}\n\n${checkpoint}`
}

export function formatConsistencyProof({ from, path, checkpoint }: ConsistencyProofText): string {
  return `${[`old ${from}`, ...path.map(base64)].join('\n')}\n\n${checkpoint}`
}

/** `undefined` for what is no such text. */
export function parseInclusionProof(text: string): InclusionProofText | undefined {
  const { lines, checkpoint } = divide(text)
  const [title, ...rest] = lines
  const extraLine = rest[0]?.startsWith('extra ') === true ? rest.shift() : undefined
  const extra = extraLine === undefined ? undefined : parseBase64(extraLine.slice('extra '.length))
  const index = parseSize(cutWord(rest.shift(), 'index '))
  const path = parsePath(rest)
  const isWhole = title === INCLUSION && (extraLine === undefined) === (extra === undefined)
  if (!isWhole || index === undefined || path === undefined) return undefined
  return { index, path, checkpoint, ...(extra === undefined ? {} : { extra }) }
}

/** `undefined` for what is no such text. */
export function parseConsistencyProof(text: string): ConsistencyProofText | undefined {
  const { lines, checkpoint } = divide(text)
  const [first, ...rest] = lines
  const from = parseSize(cutWord(first, 'old '))
  const path = parsePath(rest)
  return from === undefined || path === undefined ? undefined : { from, path, checkpoint }
}

function divide(text: string): { readonly lines: readonly string[]; readonly checkpoint: string } {
  const at = text.indexOf('\n\n')
  return at < 0
    ? { lines: [], checkpoint: '' }
    : { lines: text.slice(0, at).split('\n'), checkpoint: text.slice(at + 2) }
}

function cutWord(line: string | undefined, word: string): string {
  return line?.startsWith(word) === true ? line.slice(word.length) : ''
}

function parsePath(lines: readonly string[]): readonly Uint8Array[] | undefined {
  if (lines.length > MAX_PATH_HASHES) return undefined
  const path = lines.map(parseBase64)
  return path.every((hash) => hash?.length === HASH_BYTES)
    ? path.filter((hash) => hash !== undefined)
    : undefined
}
