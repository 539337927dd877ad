import assert from 'node:assert/strict'
import { Readable, Writable } from 'node:stream'
import { describe, test } from 'node:test'
import { loadCatalogue } from '../../../src/cli/language.ts'
import { Printer } from '../../../src/cli/output/printer.ts'
import { Progress } from '../../../src/cli/output/progress.ts'

/** A terminal that was closed: every write fails. */
function closedTerminal() {
  const stderr = Object.assign(
    new Writable({ write: (_piece, _encoding, done) => done(new Error('EIO: the terminal is gone')) }),
    { isTTY: true },
  )
  // As main.ts does for the real one.
  stderr.on('error', () => {})
  return { stdin: Readable.from([]), stdout: new Writable(), stderr, environment: { TERM: 'xterm' } }
}

describe('a line of progress', () => {
  test('on a terminal that went away stops nothing and rejects nothing', async () => {
    const rejected: unknown[] = []
    const note = (reason: unknown) => rejected.push(reason)
    process.on('unhandledRejection', note)
    try {
      const catalogue = await loadCatalogue('en')
      const printer = new Printer({
        terminal: closedTerminal(),
        catalogue,
        json: false,
        quiet: false,
        noColor: true,
      })
      const progress = new Progress(printer, 'progress.bytes', 100)
      void progress.show(10)
      await new Promise((done) => setImmediate(done))
      await progress.end()
    } finally {
      process.off('unhandledRejection', note)
    }
    assert.deepEqual(rejected, [])
  })
})
