import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { TestProject } from '../unit/service/secret-files/project.ts'
import { killBetweenSteps } from './kill-secret-files.ts'
import { raceLinks } from './race-links.ts'

const CHILD = join(import.meta.dirname, 'secret-files-child.ts')

describe('a change of secret files', () => {
  test('ended by kill -9 between any two steps leaves all old or all new', async (t) => {
    const result = await killBetweenSteps({ count: 16 })
    t.diagnostic(
      `cases: ${result.kills} kills before one of ${result.calls} calls: ${result.old} old, ${result.fresh} new`,
    )
    assert.ok(result.old > 0 && result.fresh > 0)
  })

  test('never follows a link that is put in its way', async (t) => {
    const result = await raceLinks(60)
    t.diagnostic(`cases: ${result.rounds} rounds, ${result.written} written, ${result.refused} refused`)
    assert.equal(result.written + result.refused, result.rounds)
    assert.ok(result.refused > 0 && result.written > 0)
  })

  test('on a full disk leaves every file as it was', (t) => {
    const large = `# ${'x'.repeat(8_192)}\n`
    const project = new TestProject(t, { '.env': large, '.streamlit/secrets.toml': 'A = 1\n' })
    const before = project.snapshot()
    // A limit on the size of files ends writes as a full disk does.
    const line = `trap '' XFSZ; ulimit -f 4; exec "$0" "$@"`
    const ended = spawnSync('bash', ['-c', line, process.execPath, CHILD, project.folder, '0'], {
      encoding: 'utf8',
    })
    assert.match(ended.stderr, /SECRET_FILE_REFUSED[\s\S]*space on the disk/)
    assert.deepEqual(project.snapshot(), before)
  })
})
