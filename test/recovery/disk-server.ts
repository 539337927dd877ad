import assert from 'node:assert/strict'
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, rmdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface, type Interface } from 'node:readline'
import { openCoffre } from '../../src/app.ts'

const CHILD = join(import.meta.dirname, 'disk-child.ts')

export const NEEDS_ROOT =
  process.getuid?.() === 0 ? false : 'only root can take a disk away from a running process'

export type Outcomes = Readonly<Record<string, string | number>>

/** What every operation comes to while nothing can be written, and what goes on. */
export const REFUSED = {
  // No answer without its record: also what only reads data is refused.
  encrypt: 'AUDIT_UNAVAILABLE',
  decrypt: 'AUDIT_UNAVAILABLE',
  rotate: 'STORE_UNAVAILABLE',
  create: 'STORE_UNAVAILABLE',
  'token create': 'STORE_UNAVAILABLE',
  list: 'ok',
  get: 'ok',
  tokens: 'ok',
  status: 'ok',
  records: 'ok',
  verify: 'ok',
  ready: 503,
  live: 200,
}

export function only(outcomes: Outcomes, ...values: readonly (string | number)[]): readonly string[] {
  return Object.keys(REFUSED).filter((name) => values.includes(outcomes[name] ?? ''))
}

export async function startServer(
  dataDir: string,
): Promise<{ child: ChildProcess; ask: (readiness: number) => Promise<Outcomes> }> {
  const child = spawn(process.execPath, [CHILD, dataDir], { stdio: ['pipe', 'pipe', 'inherit'] })
  const lines: Interface = createInterface({ input: child.stdout })
  const answers = lines[Symbol.asyncIterator]()
  const next = async (): Promise<string> => {
    const { value, done } = await answers.next()
    assert.ok(done !== true, 'the server has ended')
    return value
  }
  assert.equal(await next(), 'open')
  const ask = async (readiness: number): Promise<Outcomes> => {
    child.stdin.write(`${readiness}\n`)
    return JSON.parse(await next()) as Outcomes
  }
  return { child, ask }
}

export async function checkWhole(dataDir: string): Promise<void> {
  const coffre = await openCoffre({ dataDir })
  try {
    assert.equal((await coffre.audit.verify()).valid, true)
    const { versions } = await coffre.keys.get('k')
    assert.equal(versions.filter(({ state }) => state === 'active').length, 1)
  } finally {
    await coffre.close()
  }
}

export function without(program: string, debianPackage: string): string | false {
  const isHere = spawnSync(program, ['--version'], { stdio: 'ignore' }).status === 0
  return isHere ? false : `${program} is not installed: apt-get install ${debianPackage}`
}

export function withoutImmutable(): string | false {
  const probe = mkdtempSync(join(tmpdir(), 'coffre-disk-'))
  const isMarked = spawnSync('chattr', ['+i', probe]).status === 0
  if (isMarked) spawnSync('chattr', ['-i', probe])
  rmdirSync(probe)
  return isMarked ? false : 'no file can be made immutable here (chattr +i)'
}
