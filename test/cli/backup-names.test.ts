import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { describe, test, type TestContext } from 'node:test'
import { pathToFileURL } from 'node:url'
import { CoffreLine, MAIN } from './coffre-process.ts'

const ROOT = resolve(import.meta.dirname, '../..')
const COMPAT = join(ROOT, 'compat')
const KEY = 'ab10'.repeat(16)

/** Runs lines of TypeScript as somebody who has Coffre installed would. */
function makeRun(t: TestContext) {
  const cli = new CoffreLine(t)
  const run = (code: string, more: Readonly<Record<string, string>> = {}) => {
    writeFileSync(cli.path('run.mts'), code)
    const hooks = pathToFileURL(join(ROOT, 'test/docs/use-checkout.ts')).href
    const env = { ...cli.baseEnvironment(), COFFRE_COMMAND: `${process.execPath} ${MAIN}`, ...more }
    return spawnSync(process.execPath, ['--import', hooks, cli.path('run.mts')], {
      cwd: cli.folder,
      env,
      encoding: 'utf8',
    })
  }
  const at = (path: string) => JSON.stringify(join(COMPAT, 'apps/api/src', path))
  return { cli, run, at }
}

describe('the names of IMP-008', () => {
  test('encrypt and decrypt its files, and refuse to write without a key', (t) => {
    const { cli, run, at } = makeRun(t)
    writeFileSync(cli.path('dump.sql'), 'select 1;\n'.repeat(1_000))
    const code = `import { encryptBackup, decryptBackup } from ${at('modules/backup/backup-crypto.service.ts')}
      await encryptBackup('dump.sql', 'dump.sql.enc')
      await decryptBackup('dump.sql.enc', 'again.sql')`
    const none = run(code)
    assert.match(none.stderr, /CONFIG_REFUSED/)
    const done = run(code, { BACKUP_ENCRYPTION_KEY: KEY })
    assert.equal(done.status, 0, done.stderr)
    assert.equal(readFileSync(cli.path('dump.sql.enc')).readUInt32BE(0), 1)
    assert.equal(readFileSync(cli.path('again.sql'), 'utf8'), readFileSync(cli.path('dump.sql'), 'utf8'))
    const env = {
      ...cli.baseEnvironment(),
      COFFRE_COMMAND: `${process.execPath} ${MAIN}`,
      BACKUP_ENCRYPTION_KEY: KEY,
    }
    const script = (...args: readonly string[]) =>
      spawnSync(join(COMPAT, 'restore.sh'), args, { cwd: cli.folder, env, encoding: 'utf8' })
    assert.equal(script('dump.sql.enc', 'by-script.sql').status, 0)
    assert.equal(readFileSync(cli.path('by-script.sql'), 'utf8'), readFileSync(cli.path('dump.sql'), 'utf8'))
    assert.equal(script().status, 2)
  })

  test('refuse at the start what is no key', (t) => {
    const { run, at } = makeRun(t)
    const code = `import { validate } from ${at('config/env.validation.ts')}
      const found = []
      for (const key of [undefined, 'your-32-byte-key-here', 'sha256:a long enough text', '${KEY}']) {
        try { validate({ BACKUP_ENCRYPTION_KEY: key }); found.push('taken') } catch (error) { found.push(error.facts.generate) }
      }
      console.log(found.join(','))`
    const made = 'openssl rand -hex 32'
    assert.equal(run(code).stdout.trim(), [made, made, made, 'taken'].join(','))
  })

  test('make and restore backups of the command line', async (t) => {
    const { cli, run, at } = makeRun(t)
    mkdirSync(cli.path('target'), { mode: 0o700 })
    mkdirSync(cli.path('site'))
    writeFileSync(cli.path('site/index.html'), '<h1>hello</h1>')
    await cli.ok('init')
    const code = `import { createBackup, restoreBackup } from ${at('modules/backup/backup.service.ts')}
      await createBackup('site', ['--files', 'site'])
      await restoreBackup('site', 'again')`
    const done = run(code, { COFFRE_BACKUP_TARGET: cli.path('target') })
    assert.equal(done.status, 0, done.stderr)
    assert.equal(readFileSync(cli.path('again/index.html'), 'utf8'), '<h1>hello</h1>')
  })
})
