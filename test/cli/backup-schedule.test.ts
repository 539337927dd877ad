import assert from 'node:assert/strict'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test, type TestContext } from 'node:test'
import { CoffreProcess, startServer } from './coffre-process.ts'

/** A folder to back up, a target, and the file that declares it. */
function declare(t: TestContext, change: Readonly<Record<string, unknown>> = {}): CoffreProcess {
  const cli = new CoffreProcess(t)
  mkdirSync(cli.path('backups'), { mode: 0o700 })
  mkdirSync(cli.path('site'))
  writeFileSync(cli.path('site/index.html'), '<h1>hello</h1>\n')
  const backup = { series: 'site', source: { files: [cli.path('site')] }, keep: { daily: 7 }, ...change }
  writeFileSync(cli.path('schedule.json'), JSON.stringify({ backups: [backup] }))
  cli.environment['COFFRE_BACKUP_TARGET'] = cli.path('backups')
  return cli
}

describe('coffre serve --backup-schedule', () => {
  test('makes, verifies and shows backups, with several workers and then without a server', async (t) => {
    const cli = declare(t)
    const server = await startServer(t, cli, ['--workers', '2', '--backup-schedule', 'schedule.json'])
    const remote = {
      environment: { COFFRE_ADDR: server.url, COFFRE_TOKEN_FILE: join(cli.dataDir, 'first-token') },
    }
    // The server has the file; this side of the connection needs none.
    const made = await cli.json('backup run site', remote)
    assert.deepEqual([made['state'], made['sequence'], made['series']], ['done', 1, 'site'])
    const verified = await cli.ok('backup run site --verify', remote)
    assert.match(verified.error, /Backup site 1 is whole/)
    const { schedules } = await cli.json('backup status', remote)
    const [site] = schedules as Record<string, unknown>[]
    assert.deepEqual([site?.['health'], site?.['cron'], site?.['timeZone']], ['ok', '0 2 * * *', 'UTC'])
    const runs = await cli.ok('backup runs site', remote)
    assert.equal(runs.out.trim().split('\n').length, 3)
    const missing = await cli.run(['backup', 'status', 'shop'], remote)
    assert.match(missing.error, /BACKUP_SCHEDULE_NOT_FOUND/)
    assert.equal((await cli.json('audit log verify', remote))['valid'], true)
    assert.equal(await server.stop(), 0)

    cli.environment['COFFRE_BACKUP_SCHEDULE'] = cli.path('schedule.json')
    assert.match((await cli.ok('backup status site')).out, /State +ok/)
    const later = await cli.run(['backup', 'status', '--at', '+49h'])
    assert.equal(later.code, 1)
    assert.match(later.out, /MISSED/)
    const { findings } = JSON.parse((await cli.run(['doctor', '--json'])).out) as {
      findings: { id: string; state: string }[]
    }
    assert.deepEqual(
      findings.filter(({ id }) => id === 'backup site').map(({ state }) => state),
      ['ok'],
    )
    assert.equal((await cli.json('backup run site'))['sequence'], 2)
  })

  test('does not start with a file that is refused, and names what is wrong', async (t) => {
    const cli = declare(t, { cron: '0 25 * * *' })
    const wrongTime = await cli.run(['serve', '--port', '0', '--backup-schedule', 'schedule.json'])
    assert.equal(wrongTime.code, 78)
    assert.match(wrongTime.error, /cron/)
    const url = 'postgres://backup:hunter2hunter2@db/shop'
    const other = declare(t, { source: { postgres: { url } }, colour: 'red' })
    const wrongField = await other.run(['serve', '--port', '0', '--backup-schedule', 'schedule.json'])
    assert.equal(wrongField.code, 78)
    assert.ok(!wrongField.error.includes('hunter2'), wrongField.error)
    const absent = declare(t, { recovery: ['/nowhere/recovery.pub'] })
    const noRecovery = await absent.run(['serve', '--port', '0', '--backup-schedule', 'schedule.json'])
    assert.equal(noRecovery.code, 78)
    assert.match(noRecovery.error, /\/nowhere\/recovery\.pub/)
  })
})
