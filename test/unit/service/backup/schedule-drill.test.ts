import assert from 'node:assert/strict'
import { mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { describe, test } from 'node:test'
import { parseBackupSchedule } from '../../../../src/config-backups.ts'
import { DAY, HOUR } from '../../../../src/model/clock.ts'
import type { Coffre } from '../../../../src/model/coffre.ts'
import { judgeBackups } from '../../../../src/monitor/doctor/judge-backups.ts'
import { Metrics } from '../../../../src/monitor/metrics.ts'
import { POSTGRES_15, startPostgres } from '../../../postgres-server.ts'
import { makeFolder, type Scope } from '../../../temporary.ts'
import { lookAndWait, SchedulePlace } from './schedule-place.ts'

/** A scratch folder, and a declaration that drills into it. */
function drillPlace(scope: Scope, change: Readonly<Record<string, unknown>> = {}) {
  const scratch = join(makeFolder(scope), 'scratch')
  mkdirSync(scratch)
  const place = new SchedulePlace(scope, { drill: { scratch: { folder: scratch } }, ...change })
  return { place, scratch }
}

async function begin(place: SchedulePlace) {
  const opened = await place.open()
  await lookAndWait(opened.schedules)
  return opened
}

/** Every night for so many. */
async function passNights(
  place: SchedulePlace,
  { schedules }: Awaited<ReturnType<typeof begin>>,
  count: number,
) {
  for (let night = 0; night < count; night++) {
    place.passHours(night === 0 ? 1 : 24)
    await lookAndWait(schedules)
  }
  place.passHours(23)
}

async function viewDrills(coffre: Coffre, at?: number) {
  const query = at === undefined ? {} : { at: new Date(at).toISOString() }
  const { health, drills } = await coffre.backups.schedule('nightly', query)
  return { health, ...drills }
}

async function drillRecords(coffre: Coffre): Promise<readonly string[]> {
  const records = await coffre.audit.list({ last: 500 })
  return records.filter(({ action }) => action === 'backup.drill').map(({ outcome }) => outcome)
}

describe('a scheduled backup that declares drills', () => {
  test('is drilled at once and each week, and told overdue when that was too long ago', async (t) => {
    const { place, scratch } = drillPlace(t)
    const opened = await begin(place)
    const { coffre } = opened
    assert.deepEqual(await viewDrills(coffre), { health: 'none', state: 'none', everyDays: 7 })
    await passNights(place, opened, 1)
    const first = await viewDrills(coffre)
    assert.deepEqual([first.health, first.state, first.sequence], ['ok', 'passed', 1])
    // Start and end of one.
    assert.deepEqual(await drillRecords(coffre), ['ok', 'ok'])
    await passNights(place, opened, 6)
    assert.equal((await viewDrills(coffre)).sequence, 1)
    // AT-Y4: eight days later there is another.
    await passNights(place, opened, 1)
    const second = await viewDrills(coffre)
    assert.deepEqual([second.health, second.state, second.sequence], ['ok', 'passed', 8])
    assert.equal((await drillRecords(coffre)).length, 4)
    assert.deepEqual(readdirSync(scratch), [])
    assert.deepEqual(place.alerts, [])
    const gauge = `coffre_backup_last_drill_seconds{series="nightly"} ${Date.parse(second.passedAt ?? '') / 1_000}`
    assert.ok((await renderMetrics(coffre)).includes(`${gauge}\n`))
    const passed = Date.parse(second.passedAt ?? '')
    assert.equal((await viewDrills(coffre, passed + 7 * DAY)).state, 'passed')
    assert.equal((await viewDrills(coffre, passed + 8 * DAY)).state, 'overdue')
  })

  test('whose drill fails is in trouble and keeps what is older, until one passes', async (t) => {
    const { place, scratch } = drillPlace(t, { keep: { last: 1 } })
    const opened = await begin(place)
    const { coffre } = opened
    await passNights(place, opened, 7)
    renameSync(scratch, `${scratch}.away`)
    await passNights(place, opened, 1)
    const failed = await viewDrills(coffre)
    assert.deepEqual([failed.health, failed.state, failed.sequence], ['drill-failed', 'failed', 8])
    assert.equal(failed.code, 'RESTORE_REFUSED')
    assert.ok(failed.passedAt !== undefined)
    assert.deepEqual(place.alerts, [
      { kind: 'backup-drill-failed', series: 'nightly', code: 'RESTORE_REFUSED' },
    ])
    assert.match(await renderMetrics(coffre), /coffre_backup_trouble\{series="nightly"\} 1/)
    const kept = (await coffre.backups.list('nightly')).backups.map(({ sequence }) => sequence)
    assert.deepEqual(kept, [7, 8])
    assert.equal((await drillRecords(coffre)).at(-1), 'refused')
    const { last } = await coffre.backups.schedule('nightly')
    assert.equal(last?.state, 'done')
    const [finding] = judgeBackups(await coffre.backups.schedules())
    assert.deepEqual([finding?.state, finding?.next], ['problem', 'coffre backup drill nightly'])
    renameSync(`${scratch}.away`, scratch)
    await passNights(place, opened, 1)
    const healed = await viewDrills(coffre)
    assert.deepEqual([healed.health, healed.state, healed.sequence], ['ok', 'passed', 9])
    assert.deepEqual(readdirSync(scratch), [])
  })

  test('opens a copy of the Coffre itself, and compares SQLite table by table', async (t) => {
    const own = new SchedulePlace(t, {
      source: { store: true },
      passphraseFile: writePassphrase(t),
      measure: true,
      drill: true,
    })
    const coffre = await drillOnce(own)
    const proof = newestProof(own)
    assert.match(proof, /"digest","tables","counts","audit-log","unsealed"/)
    await coffre.close()

    const path = join(makeFolder(t), 'app.db')
    const database = new DatabaseSync(path)
    database.exec('create table note (id integer); insert into note values (1), (2)')
    database.close()
    const sqlite = new SchedulePlace(t, { source: { sqlite: path }, measure: true, drill: true })
    const { schedules, coffre: other } = await begin(sqlite)
    const drill = schedules.declared.get('nightly')?.drill
    assert.ok(drill !== undefined)
    const makeScratch = drill.makeScratch.bind(drill)
    // What a faulty restore would leave.
    Object.assign(drill, {
      makeScratch: async (backup: Parameters<typeof makeScratch>[0]) => {
        const scratch = await makeScratch(backup)
        const tables = scratch.target.tables?.bind(scratch.target)
        const changed = () => (tables?.() ?? []).map((table) => ({ ...table, rows: table.rows + 1 }))
        return { ...scratch, target: Object.assign(scratch.target, { tables: changed }) }
      },
    })
    sqlite.passHours(1)
    await lookAndWait(schedules)
    assert.deepEqual(sqlite.alerts, [
      { kind: 'backup-drill-failed', series: 'nightly', code: 'BACKUP_DIFFERS' },
    ])
    assert.equal((await viewDrills(other)).health, 'drill-failed')
  })

  test('of PostgreSQL is drilled in a database of its own, and told when there is no server for it', {
    skip: POSTGRES_15.skip,
  }, async (t) => {
    const server = await startPostgres(t, { release: POSTGRES_15 })
    const url = await server.makeDatabase()
    const client = await server.connect(url)
    t.after(() => client.end())
    await client.query('create table note as select g as id from generate_series(1, 500) g')
    const urlFile = join(makeFolder(t), 'url')
    writeFileSync(urlFile, `${url}\n`, { mode: 0o600 })
    const place = new SchedulePlace(t, {
      source: { postgres: { urlFile } },
      measure: true,
      drill: { scratch: { urlFile: `${urlFile}.scratch` }, everyDays: 1 },
    })
    const coffre = await drillOnce(place)
    const impossible = await viewDrills(coffre)
    assert.deepEqual([impossible.health, impossible.code], ['drill-failed', 'CONFIG_REFUSED'])
    writeFileSync(`${urlFile}.scratch`, `${url}\n`, { mode: 0o600 })
    await coffre.close()
    const again = await begin(place)
    place.passHours(24)
    await lookAndWait(again.schedules)
    assert.equal((await viewDrills(again.coffre)).state, 'passed')
    assert.match(newestProof(place), /"tables"/)
    const left = await client.query("select 1 from pg_database where datname like 'coffre_drill%'")
    assert.equal(left.rowCount, 0)
  })
})

test('a scheduled backup without drills is told of them, and has no trouble', async (t) => {
  const place = new SchedulePlace(t)
  const coffre = await drillOnce(place)
  assert.deepEqual(await viewDrills(coffre), { health: 'ok', state: 'none' })
  assert.deepEqual(judgeBackups(await coffre.backups.schedules()), [
    {
      id: 'backup nightly',
      state: 'ok',
      cause: 'no drill has passed yet',
      next: 'coffre backup drill nightly',
    },
  ])
})

test('a drill that cannot be is refused in the declaration', () => {
  const refuses = (change: Readonly<Record<string, unknown>>, at: string) =>
    assert.throws(
      () => parseBackupSchedule(JSON.stringify({ target: '/t', backups: [{ series: 'a', ...change }] })),
      (error: Error & { facts: Record<string, string>; code: string }) =>
        error.code === 'CONFIG_REFUSED' && Object.keys(error.facts).includes(`backups.0.${at}`),
      JSON.stringify(change),
    )
  const url = 'postgres://db/shop'
  const postgres = { postgres: { url } }
  refuses({ source: postgres, drill: true }, 'drill')
  refuses({ source: postgres, drill: { scratch: { folder: '/tmp' } } }, 'drill')
  refuses({ source: { postgres: { url, format: 'plain' } }, drill: { scratch: { url } } }, 'drill')
  refuses({ source: { files: ['a'] }, drill: { scratch: { url } } }, 'drill')
  refuses({ source: { files: ['a'] }, drill: true, key: false, recovery: ['r'] }, 'drill')
  refuses({ source: { files: ['a'] }, measure: true }, 'measure')
  const password = { scratch: { url: 'postgres://a:hunter2hunter2@db/x' } }
  refuses({ source: postgres, drill: password }, 'drill.scratch.url')
})

function renderMetrics(coffre: Coffre): Promise<string> {
  const metrics = new Metrics(() => false)
  metrics.watchBackups(() => coffre.backups.schedules())
  return metrics.render()
}

async function drillOnce(place: SchedulePlace): Promise<Coffre> {
  const { coffre, schedules } = await begin(place)
  place.now += HOUR
  await lookAndWait(schedules)
  return coffre
}

function writePassphrase(scope: Scope): string {
  const path = join(makeFolder(scope), 'passphrase')
  writeFileSync(path, 'correct horse battery staple 17\n', { mode: 0o600 })
  return path
}

/** As it lies on the target. */
function newestProof({ target }: SchedulePlace): string {
  const folder = join(target, 'nightly')
  const names = readdirSync(folder).filter((name) => name.endsWith('.drill'))
  return readFileSync(join(folder, names.toSorted().at(-1) ?? ''), 'utf8')
}
