import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { makeFolder, openTemporary } from '../temporary.ts'

const SCRIPT = fileURLToPath(new URL('./verify-audit-log.py', import.meta.url))

function missing(): string | false {
  try {
    execFileSync('/usr/bin/python3', ['-c', 'import cryptography'], { stdio: 'ignore' })
    return false
  } catch {
    return 'python3-cryptography is not installed'
  }
}

function python(...args: readonly string[]): string {
  return execFileSync('/usr/bin/python3', [SCRIPT, ...args], { encoding: 'utf8', stdio: 'pipe' }).trim()
}

test('Python verifies an export, checkpoints and proofs from docs/spec alone', {
  skip: missing(),
}, async (t) => {
  const folder = makeFolder(t)
  const coffre = await openTemporary(t)
  const write = (name: string, text: string) => {
    writeFileSync(join(folder, name), text)
    return join(folder, name)
  }
  const add = async (keys: number) => {
    for (let made = 0; made < keys; made += 1) await coffre.keys.create({ name: `k${crypto.randomUUID()}` })
  }
  await add(9)
  const older = await coffre.audit.writeCheckpoint()
  const old = write('old', older.note)
  await add(30)
  const newer = await coffre.audit.writeCheckpoint()
  const [verifier] = await coffre.audit.verifierKeys()
  const key = verifier?.verifierKey ?? ''
  const records = await coffre.audit.list({ limit: 1_000 })
  const log = write('log', records.map(({ body }) => `${body}\n`).join(''))
  assert.equal(
    python(key, 'export', log, write('new', newer.note)),
    `export ${newer.size} signed ${newer.size}`,
  )
  for (const index of [0, 1, 7, 8, newer.size - 1]) {
    const { text = '' } = await coffre.audit.proveInclusion(index)
    assert.equal(python(key, 'inclusion', write('proof', text)), `inclusion ${index} of ${newer.size}`)
    const spoiled = text.replace(
      /\n(index \d+\n)(.)/,
      (_, line: string, first: string) => `\n${line}${first === 'A' ? 'B' : 'A'}`,
    )
    assert.throws(() => python(key, 'inclusion', write('spoiled', spoiled)))
  }
  const { text = '' } = await coffre.audit.proveConsistency(older.size)
  const proof = write('grown', text)
  assert.equal(python(key, 'consistency', proof, old), `consistency ${older.size} to ${newer.size}`)
  writeFileSync(log, readFileSync(log, 'utf8').replace('"ok"', '"ko"'))
  assert.throws(() => python(key, 'export', log, join(folder, 'new')))
})
