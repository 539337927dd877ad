import assert from 'node:assert/strict'
import { encodeFileEnd, encodeHead, encodeRecord, STATE } from '../../src/store/source/files/container.ts'
import { readTree, type TreeVisitor } from '../../src/store/source/files/read-tree.ts'
import type { FuzzedParser } from './parsers.ts'

const MAX_BYTES = 1_000
const { signal } = new AbortController()
const ATTRIBUTES = { mode: 0o644, user: 0, group: 0, changedAt: 1_700_000_000_000 }

/** Whoever has a recovery public key can make a backup: its files are hostile bytes even after decryption. */
export function makeFilesTreeParser(): FuzzedParser {
  return { name: 'files-tree', seeds: [makeSeed()], parse: parseTree }
}

async function parseTree(input: Buffer): Promise<boolean> {
  const visitor = new CarefulVisitor()
  const guard = await readTree(pieces(input), visitor, { signal, maxBytes: MAX_BYTES, foldsNames: true })
  assert.equal(visitor.depth, 0, 'a folder is left open')
  assert.ok(
    guard.totals.bytes <= MAX_BYTES && guard.totals.bytes <= input.length,
    'more bytes than there are',
  )
  return true
}

async function* pieces(input: Buffer): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < input.length; at += 50) yield input.subarray(at, at + 50)
}

/** What would be written must be inside, once, and bounded. */
class CarefulVisitor implements TreeVisitor {
  readonly isDone = false
  depth = 0
  readonly #paths = new Set<string>()

  async enterFolder(_attributes: unknown, path: readonly Buffer[]): Promise<void> {
    if (this.depth > 0) this.#take(path)
    assert.equal(path.length, this.depth)
    this.depth += 1
  }

  async leaveFolder(): Promise<void> {
    this.depth -= 1
  }

  async beginFile(name: Buffer, _attributes: unknown, path: readonly Buffer[]) {
    const taken = this.#take([...path, name])
    let bytes = 0
    return {
      write: async (piece: Uint8Array): Promise<void> => {
        bytes += piece.length
        assert.ok(bytes <= MAX_BYTES)
      },
      end: async ({ state }: { readonly state: number }): Promise<void> => {
        if (state === STATE.void) this.#paths.delete(taken)
      },
      close: async (): Promise<void> => undefined,
    }
  }

  #take(path: readonly Buffer[]): string {
    for (const name of path) assert.doesNotMatch(name.toString('latin1'), /^\.{0,2}$|[\0/]/)
    const taken = path.map((name) => name.toString('latin1')).join('/')
    assert.ok(!this.#paths.has(taken), 'one name twice')
    this.#paths.add(taken)
    return taken
  }
}

function makeSeed(): Buffer {
  const attributes = ATTRIBUTES
  const file = (name: string, content: string, state: 0 | 1 | 2 = STATE.whole): Buffer =>
    Buffer.concat([
      encodeRecord({ type: 'file', name: Buffer.from(name), attributes, size: content.length }),
      Buffer.from(content),
      encodeFileEnd({ state, length: content.length }),
    ])
  return Buffer.concat([
    encodeHead(),
    encodeRecord({ type: 'folder', name: Buffer.alloc(0), attributes }),
    file('a', 'draft', STATE.void),
    file('a', 'abc', STATE.changed),
    encodeRecord({ type: 'folder', name: Buffer.from('b'), attributes }),
    file('c', 'x'.repeat(80)),
    encodeRecord({ type: 'left-out', name: Buffer.from('d'), reason: 1 }),
    encodeRecord({ type: 'up' }),
    encodeRecord({ type: 'up' }),
    encodeRecord({ type: 'end', totals: { files: 2, folders: 1, leftOut: 1, bytes: 83 } }),
  ])
}
