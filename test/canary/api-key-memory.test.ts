import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync, readFileSync, readSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { test } from 'node:test'
import { openCoffre } from '../../src/app.ts'
import { Fernet } from '../../src/crypto/fernet.ts'
import { makeFolder } from '../temporary.ts'

const CHILD = fileURLToPath(new URL('api-key-user.ts', import.meta.url))
const KEY = 'sk-canary-memory-4f2a9c77d1e0b35568aa01'
const PIECE_BYTES = 1024 * 1024
const SKIP = process.platform === 'linux' ? false : 'the memory of another process is read through /proc'

/** How often `needle` lies in what the process can write to, and how much that was. */
function countInMemory(
  { pid }: ChildProcess,
  needle: string,
): { readonly found: number; readonly bytes: number } {
  const memory = openSync(`/proc/${pid}/mem`, 'r')
  // One byte less than the needle comes along from the piece before.
  const overlap = needle.length - 1
  const piece = Buffer.alloc(PIECE_BYTES + overlap)
  const seen = { found: 0, bytes: 0 }
  for (const line of readFileSync(`/proc/${pid}/maps`, 'utf8').split('\n')) {
    const [, from, to] = /^([0-9a-f]+)-([0-9a-f]+) rw/.exec(line) ?? []
    if (from === undefined || to === undefined) continue
    for (let at = parseInt(from, 16); at < parseInt(to, 16); at += PIECE_BYTES) {
      const length = Math.min(piece.length, parseInt(to, 16) - at)
      const read = readMemory(memory, piece.subarray(0, length), at)
      seen.bytes += read
      const text = piece.subarray(0, read)
      for (let hit = text.indexOf(needle); hit >= 0; hit = text.indexOf(needle, hit + 1)) seen.found += 1
    }
  }
  closeSync(memory)
  return seen
}

/** 0 for what the kernel does not show, such as [vvar]. */
function readMemory(memory: number, into: Buffer, at: number): number {
  try {
    return readSync(memory, into, 0, into.length, at)
  } catch {
    return 0
  }
}

for (const form of ['own', 'fernet'] as const) {
  test(`a key is in the memory of a process while it is used, and not afterwards (form ${form})`, {
    skip: SKIP,
  }, async (t) => {
    const dataDir = makeFolder(t)
    const environment = form === 'own' ? {} : { FERNET_SECRET_KEY: Fernet.generateKey() }
    const coffre = await openCoffre({ dataDir, createIfMissing: true, environment })
    const { id } = await coffre.users.create()
    await coffre.apiKeys.set({ user: id, apiKey: KEY })
    await coffre.close()
    const child = spawn(process.execPath, [CHILD, dataDir, id], {
      stdio: ['pipe', 'pipe', 'inherit'],
      env: { ...process.env, ...environment },
    })
    t.after(() => child.kill())
    const said = async () => String((await once(child.stdout, 'data'))[0]).trim()
    assert.equal(await said(), 'during')
    const during = countInMemory(child, KEY)
    assert.ok(during.found > 0, 'the scan sees what is there')
    const over = said()
    child.stdin.write('\n')
    assert.equal(await over, `after ${KEY.length}`)
    const { found, bytes } = countInMemory(child, KEY)
    assert.equal(found, 0)
    t.diagnostic(`${during.found} during, ${found} after, of ${bytes >> 20} MiB`)
    const ended = once(child, 'close')
    child.stdin.write('\n')
    await ended
  })
}
