import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { describe, test, type TestContext } from 'node:test'
import { runCli } from '../../../src/cli/run-cli.ts'

/** A terminal as far as the command line can tell: it types `keys` whenever a question is shown. */
class FakeTerminal {
  readonly stdin = Object.assign(new PassThrough(), { isTTY: true, setRawMode: () => undefined })
  readonly stdout = Object.assign(new PassThrough(), { isTTY: true, columns: 80 })
  readonly stderr = Object.assign(new PassThrough(), { isTTY: true, columns: 80 })
  readonly environment: Record<string, string>
  readonly #output: Buffer[] = []
  #shown = ''

  constructor(folder: string, answers: readonly [question: string, keys: string][]) {
    this.environment = { COFFRE_DATA_DIR: folder, TERM: 'xterm' }
    const waiting = [...answers]
    this.stdout.on('data', (piece: Buffer) => this.#output.push(piece))
    this.stderr.on('data', (piece: Buffer) => {
      this.#shown += piece.toString()
      const [question, keys] = waiting[0] ?? []
      if (question === undefined || keys === undefined || !this.#shown.includes(question)) return
      waiting.shift()
      this.#shown = ''
      setImmediate(() => this.stdin.write(keys))
    })
  }

  output(): string {
    return Buffer.concat(this.#output).toString()
  }
}

async function run(
  folder: string,
  line: string,
  answers: readonly [string, string][] = [],
): Promise<{ code: number; out: string }> {
  const terminal = new FakeTerminal(folder, answers)
  const code = await runCli(line.split(' '), terminal)
  return { code, out: terminal.output() }
}

function newFolder(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'coffre-prompt-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  return join(folder, 'data')
}

describe('at a terminal', () => {
  test('a plaintext is asked for and hidden', async (t) => {
    const folder = newFolder(t)
    await run(folder, 'init')
    await run(folder, 'key create invoices')
    const sealed = await run(folder, 'encrypt invoices', [['Plaintext', 'typed\r']])
    assert.equal(sealed.code, 0)
    const opened = await run(folder, 'decrypt', [['Ciphertext', `${sealed.out.trim()}\r`]])
    assert.equal(opened.out, 'typed\n')
  })

  test('what cannot be undone is asked about, and only a yes does it', async (t) => {
    const folder = newFolder(t)
    await run(folder, 'init')
    await run(folder, 'key create invoices')
    const refused = await run(folder, 'key compromise invoices', [['compromised?', 'n']])
    assert.equal(refused.code, 130)
    const stopped = await run(folder, 'key compromise invoices', [['compromised?', '\u0003']])
    assert.equal(stopped.code, 130)
    assert.match((await run(folder, 'key show invoices --json')).out, /"state":"active"/)
    const done = await run(folder, 'key compromise invoices', [['compromised?', 'y']])
    assert.equal(done.code, 0)
    assert.match((await run(folder, 'key show invoices --json')).out, /"state":"compromised"/)
  })

  test('a new passphrase is asked for twice, and later once', async (t) => {
    const folder = newFolder(t)
    const differs = await run(folder, 'init --seal passphrase', [
      ['Seal passphrase', 'correct horse battery\r'],
      ['again', 'correct horse butter\r'],
    ])
    assert.equal(differs.code, 2)
    const made = await run(folder, 'init --seal passphrase', [
      ['Seal passphrase', 'correct horse battery\r'],
      ['again', 'correct horse battery\r'],
    ])
    assert.equal(made.code, 0)
    const listed = await run(folder, 'key list --json', [['Seal passphrase', 'correct horse battery\r']])
    assert.equal(listed.out.trim(), '{"keys":[]}')
  })
})
