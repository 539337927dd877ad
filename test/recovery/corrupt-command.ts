import assert from 'node:assert/strict'
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { CoffreLine } from '../cli/coffre-process.ts'
import type { Draw } from '../fuzz/mutate.ts'
import { CHANGES } from './corrupt-backup.ts'

const CONTENT = 'INSERT INTO customers VALUES (1);\n'.repeat(20_000)
const BEFORE = 'what is on the target'

/** Changes objects of a backup in a folder and lets `coffre backup restore` meet them. Answers how often each exit code came. */
export async function corruptByCommand(draw: Draw, count: number): Promise<Readonly<Record<string, number>>> {
  const ends: (() => Promise<void> | void)[] = []
  const cli = new CoffreLine({ after: (end) => ends.push(end) })
  const answers: Record<string, number> = {}
  try {
    mkdirSync(cli.path('target'), { mode: 0o700 })
    mkdirSync(cli.path('out'))
    writeFileSync(cli.path('dump.sql'), CONTENT)
    cli.environment['COFFRE_BACKUP_TARGET'] = cli.path('target')
    await cli.ok('init')
    await cli.ok(`backup create nightly --in ${cli.path('dump.sql')}`)
    writeFileSync(cli.path('out/file'), BEFORE)
    const names = readdirSync(cli.path('target/nightly'))
    for (let number = 1; number <= count; ) {
      const path = cli.path(`target/nightly/${draw.pick(names)}`)
      const whole = readFileSync(path)
      const [what, change] = draw.pick(Object.entries(CHANGES)) ?? assert.fail()
      const changed = change(whole, draw)
      if (changed.equals(whole)) continue
      writeFileSync(path, changed)
      const words = ['backup', 'restore', 'nightly', '--replace', '--into', cli.path('out/file')]
      const { code, error } = await cli.run(words)
      assert.equal(code, 3, `${number}: ${what} of ${path}: ${error}`)
      assert.deepEqual(readdirSync(cli.path('out')), ['file'])
      assert.equal(readFileSync(cli.path('out/file'), 'utf8'), BEFORE)
      answers[String(code)] = (answers[String(code)] ?? 0) + 1
      writeFileSync(path, whole)
      number += 1
    }
    await cli.ok(`backup restore nightly --replace --into ${cli.path('out/file')}`)
    assert.equal(readFileSync(cli.path('out/file'), 'utf8'), CONTENT)
    return answers
  } finally {
    for (const end of ends) await end()
  }
}
