import assert from 'node:assert/strict'
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { describe, test } from 'node:test'
import { POSTGRES_15, startPostgres } from '../postgres-server.ts'
import { CoffreLine, type CoffreProcess } from './coffre-process.ts'

/** A Coffre, a target, a folder to back up, and where the files of `backup init` go. */
async function prepare<Line extends CoffreProcess>(cli: Line) {
  mkdirSync(cli.path('target'), { mode: 0o700 })
  mkdirSync(cli.path('site'))
  writeFileSync(cli.path('site/index.html'), '<h1>hello</h1>\n')
  await cli.prepare('init')
  const out = cli.path('backups.json')
  const sheet = cli.path('sheet.txt')
  const init = `backup init --target ${cli.path('target')} --out ${out} --sheet ${sheet}`
  return { cli, init, out, sheet, read: () => JSON.parse(readFileSync(out, 'utf8')).backups[0] }
}

const modeOf = (path: string) => statSync(path).mode & 0o777

describe('coffre backup init', () => {
  test('declares a folder, checks source and target, and its first run is drilled', async (t) => {
    const { cli, init, out, sheet, read } = await prepare(new CoffreLine(t))
    const line = `${init} --files ${cli.path('site')} --time 3:30 --time-zone Europe/Paris`
    const before = cli.snapshot()
    const planned = await cli.json(`${line} --dry-run`)
    assert.equal(planned['dryRun'], true)
    assert.deepEqual(cli.snapshot(), before)

    const { error } = await cli.ok(line)
    assert.match(error, /coffre serve --backup-schedule .*backups\.json/)
    assert.match(error, /Print .*sheet\.txt, then delete it/)
    assert.deepEqual(read(), {
      series: 'site',
      source: { files: [cli.path('site')] },
      target: cli.path('target'),
      cron: '30 3 * * *',
      timeZone: 'Europe/Paris',
      recovery: [cli.path('sheet.pub')],
      keep: { daily: 7, weekly: 4, monthly: 12 },
      drill: true,
    })
    assert.deepEqual([modeOf(out), modeOf(sheet)], [0o600, 0o600])
    assert.match(readFileSync(sheet, 'utf8'), /^Signer: coffre-backup/m)
    // The object of the test write is gone.
    assert.deepEqual(readdirSync(cli.path('target')), [])
    assert.equal((await cli.json(`backup run site --backup-schedule ${out}`))['sequence'], 1)
    const { schedules } = await cli.json(`backup status --backup-schedule ${out}`)
    const [view] = schedules as { health: string; drills: { state: string } }[]
    assert.deepEqual([view?.health, view?.drills.state], ['ok', 'passed'])

    const stands = cli.snapshot()
    for (const more of [[], ['--force']]) {
      const again = await cli.run([...line.split(' '), ...more])
      assert.deepEqual([again.code, /sheet\.txt exists already.*--recovery/.test(again.error)], [2, true])
    }
    const kept = line.replace(`--sheet ${sheet}`, `--recovery ${cli.path('sheet.pub')}`)
    const taken = await cli.run(kept.split(' '))
    assert.deepEqual([taken.code, /--out exists already/.test(taken.error)], [2, true])
    assert.deepEqual(cli.snapshot(), stands)
    await cli.ok(`${kept.replace('3:30', '4:00')} --force`)
    assert.deepEqual([read().cron, modeOf(out)], ['0 4 * * *', 0o600])
  })

  test('writes nothing where anything is wrong', async (t) => {
    const { cli, init } = await prepare(new CoffreLine(t))
    const files = `--files ${cli.path('site')}`
    const before = cli.snapshot()
    const wrong: [string, RegExp][] = [
      [init, /One of --postgres-url-file and/],
      [`${init} ${files} --store`, /exclude each other/],
      [`${init} ${files} --time 25:00`, /--time is a time of day/],
      [`${init} ${files} --time-zone Europe/Atlantis`, /CONFIG_REFUSED/],
      [`${init} --files ${cli.path('absent')}`, /BACKUP_SOURCE_FAILED/],
      [`${init} --sqlite ${cli.path('site/index.html')}`, /BACKUP_SOURCE_FAILED/],
      [`${init} ${files} --series Site!`, /CONFIG_REFUSED/],
      [init.replace(cli.path('target'), cli.path('absent')) + ` ${files}`, /BUCKET_NOT_FOUND/],
    ]
    for (const [line, message] of wrong) {
      const { code, error } = await cli.run(line.split(' '))
      assert.notEqual(code, 0, line)
      assert.match(error, message, line)
    }
    assert.deepEqual(cli.snapshot(), before)
  })

  test('of the Coffre itself has one sheet, of its seal key', async (t) => {
    const { cli, init, out, sheet } = await prepare(new CoffreLine(t))
    await cli.ok(`${init} --store`)
    assert.match(readFileSync(sheet, 'utf8'), /seal key/)
    await cli.ok(`backup run coffre --backup-schedule ${out}`)
    const { out: listed } = await cli.ok(`backup list coffre --target ${cli.path('target')}`)
    assert.match(listed, /recovery/)
    assert.match(
      (await cli.ok(`backup drills coffre --target ${cli.path('target')}`)).out,
      /passed .*unsealed/,
    )
  })

  test('of PostgreSQL leaves the password in its own file, and drills on the same server', {
    skip: POSTGRES_15.skip,
  }, async (t) => {
    const server = await startPostgres(t, { release: POSTGRES_15 })
    const url = await server.makeDatabase()
    const { cli, init, out, read } = await prepare(new CoffreLine(t))
    writeFileSync(cli.path('url'), `${url}\n`, { mode: 0o600 })
    const { error } = await cli.ok(`${init} --postgres-url-file ${cli.path('url')} --series shop`)
    const urlFile = cli.path('url')
    const { source, measure, drill } = read()
    assert.deepEqual(
      { source, measure, drill },
      { source: { postgres: { urlFile } }, measure: true, drill: { scratch: { urlFile } } },
    )
    const { password } = new URL(url)
    assert.ok(password !== '' && !`${error}${readFileSync(out, 'utf8')}`.includes(password))
    await cli.ok(`backup run shop --backup-schedule ${out}`)
    assert.match((await cli.ok(`backup status shop --backup-schedule ${out}`)).out, /Drills +passed/)
  })
})
