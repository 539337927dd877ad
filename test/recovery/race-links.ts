import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { generateSecretKey, secretFilesOf } from '../../src/app-secret-files.ts'
import { CoffreError } from '../../src/model/errors.ts'

/** Puts a link to somebody else's file in the place of `.env`, or a file, as fast as it can. */
const ATTACKER = `
const { renameSync, rmSync, symlinkSync, writeFileSync } = require('node:fs')
const [folder] = process.argv.slice(1)
process.chdir(folder)
for (;;) {
  rmSync('swap', { force: true })
  symlinkSync('victim', 'swap')
  renameSync('swap', '.env')
  writeFileSync('swap', 'A=1\\n', { mode: 0o600 })
  renameSync('swap', '.env')
  // Long enough, now and then, for a change to go through, also where this machine is busy.
  const milliseconds = Math.random() * (Math.random() < 0.1 ? 3_000 : 150)
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, milliseconds)
}`
const VICTIM = 'do not touch\n'

export interface RaceResult {
  readonly rounds: number
  readonly written: number
  readonly refused: number
}

/** Changes a project while another process swaps its file for a link: the victim stays, and each round is told how it ended. */
export async function raceLinks(rounds: number): Promise<RaceResult> {
  const folder = mkdtempSync(join(tmpdir(), 'coffre-race-'))
  writeFileSync(join(folder, 'victim'), VICTIM, { mode: 0o600 })
  writeFileSync(join(folder, '.env'), 'A=1\n', { mode: 0o600 })
  const path = process.env['PATH']
  const attacker = spawn(process.execPath, ['-e', ATTACKER, folder], { stdio: 'ignore' })
  const closed = new Promise((done) => attacker.on('close', done))
  let [written, refused] = [0, 0]
  try {
    // Without other programs to ask, a round is the race and little else.
    process.env['PATH'] = '/nowhere'
    for (let round = 0; round < rounds; round += 1) {
      try {
        await generateSecretKey(secretFilesOf(folder), { replace: true })
        written += 1
      } catch (error) {
        assert.ok(error instanceof CoffreError, String(error))
        assert.ok(['SECRET_FILE_REFUSED', 'CONFLICT'].includes(error.code), error.code)
        refused += 1
      }
      assert.equal(readFileSync(join(folder, 'victim'), 'utf8'), VICTIM)
    }
  } finally {
    process.env['PATH'] = path
    attacker.kill('SIGKILL')
    await closed
    rmSync(folder, { recursive: true, force: true })
  }
  return { rounds, written, refused }
}
