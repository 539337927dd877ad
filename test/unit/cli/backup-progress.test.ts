import assert from 'node:assert/strict'
import { Readable, Writable } from 'node:stream'
import { describe, test, type TestContext } from 'node:test'
import { chooseLanguage, loadCatalogue } from '../../../src/cli/language.ts'
import { BackupProgressLine, formatDuration } from '../../../src/cli/output/backup-progress.ts'
import { Printer } from '../../../src/cli/output/printer.ts'
import type { BackupProgress } from '../../../src/model/backup.ts'

const MIB = 1024 * 1024

interface Given {
  readonly isTTY?: boolean
  readonly json?: boolean
  readonly quiet?: boolean
  readonly columns?: number
  readonly lang?: string
}

/** What is written to standard error, and a clock that stands still until it is moved. */
async function start(t: TestContext, { isTTY = false, json = false, quiet = false, columns, lang }: Given) {
  let now = 1_000
  t.mock.method(performance, 'now', () => now)
  const written: string[] = []
  const stderr = Object.assign(
    new Writable({
      write(piece, _encoding, done) {
        written.push(String(piece))
        done()
      },
    }),
    { isTTY, ...(columns === undefined ? {} : { columns }) },
  )
  const environment = { TERM: 'xterm', COFFRE_LANG: lang ?? 'en' }
  const catalogue = await loadCatalogue(chooseLanguage([], environment))
  const terminal = { stdin: Readable.from([]), stdout: new Writable(), stderr, environment }
  const line = new BackupProgressLine(new Printer({ terminal, catalogue, json, quiet, noColor: true }))
  const pass = (milliseconds: number, progress: BackupProgress) => {
    now += milliseconds
    line.show(progress)
  }
  return { line, pass, written }
}

function bytes(done: number, of?: number, isAbout = false): BackupProgress {
  return { unit: 'bytes', done: done * MIB, ...(of === undefined ? {} : { of: of * MIB }), isAbout }
}

describe('the progress of a backup', () => {
  test('is a bar with rate and time left on a terminal, and says when it is an estimate', async (t) => {
    const { line, pass, written } = await start(t, { isTTY: true })
    pass(2_000, bytes(50, 200))
    pass(2_000, bytes(100, 200, true))
    pass(1_000, bytes(100))
    pass(1_000, bytes(300, 200, true))
    await line.end()
    assert.deepEqual(written, [
      '\r\u001b[2K[######..................] 25 % 50 MiB of 200 MiB · 25 MiB/s · 6\u00a0s left',
      '\r\u001b[2K[############............] 50 % 100 MiB of about 200 MiB · 25 MiB/s · about 4\u00a0s left',
      '\r\u001b[2K100 MiB · 20 MiB/s',
      '\r\u001b[2K[########################] 100 % 300 MiB · 50 MiB/s',
      '\r\u001b[2K',
    ])
  })

  test('speaks the language of its reader, never wraps, and is drawn ten times a second', async (t) => {
    const { pass, written } = await start(t, { isTTY: true, columns: 40, lang: 'fr' })
    pass(50, bytes(1, 200))
    pass(1_950, bytes(50, 200))
    pass(50, bytes(51, 200))
    assert.equal(written.length, 1)
    const shown = written[0]?.replace('\r\u001b[2K', '') ?? ''
    assert.ok(shown.length < 40)
    assert.match(shown, /^50\sMiB sur 200\sMiB · 25\sMiB\/s/u)
  })

  test('is JSON on standard error for a program, once a second and at the end', async (t) => {
    const { line, pass, written } = await start(t, { json: true })
    pass(500, bytes(10, 200, true))
    pass(500, bytes(20, 200, true))
    pass(500, bytes(30, 200, true))
    pass(0, { unit: 'backups', done: 1, of: 3, isAbout: false })
    await line.end()
    assert.deepEqual(
      written.map((event) => JSON.parse(event)),
      [
        {
          event: 'progress',
          unit: 'bytes',
          done: 20 * MIB,
          of: 200 * MIB,
          isAbout: true,
          perSecond: 20 * MIB,
          secondsLeft: 9,
        },
        { event: 'progress', unit: 'backups', done: 1, of: 3, perSecond: 1, secondsLeft: 3 },
      ],
    )
  })

  test('keeps a log short: every ten seconds, and nothing of what is over before', async (t) => {
    const { line, pass, written } = await start(t, {})
    for (let second = 1; second <= 25; second += 1) pass(1_000, bytes(second))
    await line.end()
    assert.deepEqual(
      written.map((event) => JSON.parse(event).done / MIB),
      [10, 20],
    )
  })

  test('is silent when it shall be', async (t) => {
    const { line, pass, written } = await start(t, { isTTY: true, quiet: true })
    pass(60_000, bytes(1, 2))
    await line.end()
    assert.deepEqual(written, [])
  })
})

test('durations are told by their two largest units', () => {
  const shown = [0, 11.2, 60, 200, 3_600, 3_900, 90_000].map((seconds) => formatDuration(seconds))
  assert.deepEqual(
    shown.map((text) => text.replaceAll('\u00a0', ' ')),
    ['0 s', '12 s', '1 min 0 s', '3 min 20 s', '1 h 0 min', '1 h 5 min', '25 h 0 min'],
  )
})
