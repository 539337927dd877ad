import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { fileURLToPath } from 'node:url'
import { test } from 'node:test'
import type { ContextPairs } from '../../src/model/coffre.ts'
import { makeFolder, openTemporary } from '../temporary.ts'

const SCRIPT = fileURLToPath(new URL('./open-data-folder.py', import.meta.url))

function missing(): string | false {
  try {
    execFileSync('/usr/bin/python3', ['-c', 'import cryptography'], { stdio: 'ignore' })
    return false
  } catch {
    return 'python3-cryptography is not installed'
  }
}

interface Sealed {
  readonly ciphertext: string
  readonly context: ContextPairs
}

function openWithPython(folder: string, sealed: readonly Sealed[]): readonly Record<string, string>[] {
  const input = sealed.map((each) => JSON.stringify(each)).join('\n')
  const output = execFileSync('/usr/bin/python3', [SCRIPT, folder], { input, encoding: 'utf8' })
  return output
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, string>)
}

test('Python opens a data folder and all its ciphertexts from docs/spec alone', {
  skip: missing(),
}, async (t) => {
  const folder = makeFolder(t)
  const coffre = await openTemporary(t, { dataDir: folder })
  await coffre.keys.create({ name: 'k' })
  const contexts: readonly ContextPairs[] = [
    {},
    { b: '2', a: '1' },
    { é: 'ü', ze: '', e: 'x' },
    { 𝒳: '1', '\ufffd': '2' },
  ]
  const plaintexts: Buffer[] = []
  const sealed: Sealed[] = []
  for (let version = 1; version <= 3; version += 1) {
    for (const context of contexts) {
      for (const size of [0, 1, 500]) {
        const plaintext = randomBytes(size)
        plaintexts.push(plaintext)
        const { ciphertext } = await coffre.encrypt({ key: 'k', plaintext, context })
        sealed.push({ ciphertext, context })
      }
    }
    await coffre.keys.rotate('k')
  }
  await coffre.close()
  const opened = openWithPython(folder, sealed)
  assert.equal(opened.length, 36)
  for (const [index, answer] of opened.entries()) {
    assert.equal(answer['plaintext'], plaintexts[index]?.toString('base64'), JSON.stringify(answer))
  }
  const [first] = sealed
  assert.ok(first !== undefined)
  const wrong = openWithPython(folder, [{ ...first, context: { another: 'context' } }])
  assert.deepEqual(wrong, [{ error: 'InvalidTag' }])
})
