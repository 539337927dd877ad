import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { describe, test, type TestContext } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import { POSTGRES_15, startPostgres } from '../postgres-server.ts'
import { CoffreProcess, MAIN } from './coffre-process.ts'

const NO_STRACE: string | false =
  spawnSync('strace', ['-o', '/dev/null', 'true']).status === 0
    ? false
    : 'strace is not installed: apt-get install strace'
/** So often that every write of plaintext begins with some of it. */
const CANARY = 'canary-0f1e2d3c4b5a6978'
const ROW = `${CANARY} of a row that nobody may find\n`
const SHOWN_BYTES = 4_096
const SAMPLE_MS = 5

async function prepare(t: TestContext): Promise<CoffreProcess> {
  const cli = new CoffreProcess(t)
  for (const name of ['target', 'tmp', 'out']) mkdirSync(cli.path(name), { mode: 0o700 })
  Object.assign(cli.environment, { COFFRE_BACKUP_TARGET: cli.path('target'), TMPDIR: cli.path('tmp') })
  await cli.ok('init')
  return cli
}

/** What every user of the machine reads of every process, over and over until the work has ended. */
async function sampleProcesses(
  work: Promise<unknown>,
): Promise<{ readonly lines: Set<string>; readonly samples: number }> {
  const lines = new Set<string>()
  let [isOver, samples] = [false, 0]
  const ended = work.finally(() => (isOver = true))
  while (!isOver) {
    for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
      try {
        lines.add(readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' '))
      } catch {
        // It has ended.
      }
    }
    samples += 1
    await setTimeout(SAMPLE_MS)
  }
  await ended
  return { lines, samples }
}

/** Runs a command line under strace. Answers where it and its children wrote the canary, but for pipes and sockets. */
async function findWrites(
  cli: CoffreProcess,
  line: string,
): Promise<{ readonly clear: readonly string[]; readonly all: string }> {
  const log = cli.path('trace')
  const calls = 'write,pwrite64,writev,pwritev,pwritev2,sendfile,copy_file_range'
  const words = ['-f', '-y', '-s', String(SHOWN_BYTES), '-e', `trace=${calls}`, '-o', log]
  const child = spawn('strace', [...words, process.execPath, MAIN, ...line.split(' ')], {
    cwd: cli.folder,
    env: { ...cli.baseEnvironment(), UV_USE_IO_URING: '0' },
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  let error = ''
  child.stderr.on('data', (piece: Buffer) => (error += piece.toString()))
  const code = await new Promise((done) => child.on('close', done))
  assert.equal(code, 0, error)
  const all = readFileSync(log, 'utf8')
  const clear = all
    .split('\n')
    .filter((each) => each.includes(CANARY))
    .flatMap((each) => /\d+<(?<path>[^>]*)>/.exec(each)?.groups?.['path'] ?? [])
    .filter((path) => !/^(?:pipe|socket|UNIX|TCP)/.test(path))
  return { clear: [...new Set(clear)], all }
}

/** Of everything on the target. */
function requireCiphertext(cli: CoffreProcess): void {
  const names = readdirSync(cli.path('target'), { recursive: true, encoding: 'utf8', withFileTypes: true })
  const files = names.filter((entry) => entry.isFile())
  assert.ok(files.length >= 3)
  for (const entry of files) {
    const bytes = readFileSync(join(entry.parentPath, entry.name))
    for (const text of ['CREATE TABLE', 'INSERT INTO', 'COPY public', 'SQLite format', 'PGDMP', CANARY])
      assert.ok(!bytes.includes(text), `${entry.name} holds ${text}`)
  }
}

describe('a backup of PostgreSQL', { skip: POSTGRES_15.skip }, () => {
  test('shows the password to nobody who lists the processes, while it dumps and while it restores', async (t) => {
    const cli = await prepare(t)
    const server = await startPostgres(t, { release: POSTGRES_15 })
    const url = await server.makeDatabase()
    const client = await server.connect(url)
    await client.query(
      'create table note as select n as id, repeat(md5(n::text), 10) as text from generate_series(1, 60000) n',
    )
    await client.end()
    cli.environment['COFFRE_BACKUP_DATABASE_URL'] = url
    const { password } = new URL(url)
    const runs = [
      ['backup create shop --postgres env', 'pg_dump'],
      ['backup restore shop --into env --replace', 'pg_restore'],
    ] as const
    for (const [line, program] of runs) {
      const { lines, samples } = await sampleProcesses(cli.ok(line))
      assert.ok(
        [...lines].some((each) => each.includes(program)),
        `${program} was not seen in ${samples} samples`,
      )
      for (const each of lines) assert.ok(!each.includes(password), each.replaceAll(password, '…'))
      t.diagnostic(`cases: ${samples} samples of ${program}`)
    }
  })

  test('in plain SQL writes none of it to a disk', { skip: NO_STRACE }, async (t) => {
    const cli = await prepare(t)
    const server = await startPostgres(t, { release: POSTGRES_15 })
    const url = await server.makeDatabase()
    const client = await server.connect(url)
    await client.query(
      `create table note as select n as id, '${ROW.trim()}' as text from generate_series(1, 20000) n`,
    )
    await client.end()
    cli.environment['COFFRE_BACKUP_DATABASE_URL'] = url
    const line = 'backup create shop --postgres env --format plain --compression none'
    const { clear, all } = await findWrites(cli, line)
    assert.ok(all.includes(CANARY), 'pg_dump writes to a pipe')
    assert.deepEqual(clear, [])
    requireCiphertext(cli)
  })
})

describe('a backup', { skip: NO_STRACE }, () => {
  test('of files, SQLite and a stream writes none of it to a disk but encrypted', async (t) => {
    const cli = await prepare(t)
    writeFileSync(cli.path('dump.sql'), `CREATE TABLE t;\n${ROW.repeat(10_000)}`)
    const database = new DatabaseSync(cli.path('app.db'))
    database.exec(`create table note (text); insert into note values ('${ROW.trim()}')`)
    database.close()
    for (const source of ['--in dump.sql', '--files dump.sql', '--sqlite app.db']) {
      const { clear, all } = await findWrites(cli, `backup create nightly ${source} --compression none`)
      assert.match(all, /target\/nightly\/[^>]*\.part>/)
      assert.deepEqual(clear, [], source)
    }
    requireCiphertext(cli)
    assert.deepEqual((await findWrites(cli, 'backup verify nightly --all')).clear, [])
    assert.deepEqual(readdirSync(cli.path('tmp')), [])
  })

  test('that is restored is in clear beside its target and nowhere else', async (t) => {
    const cli = await prepare(t)
    writeFileSync(cli.path('dump.sql'), ROW.repeat(10_000))
    await cli.ok('backup create nightly --in dump.sql')
    const { clear } = await findWrites(cli, `backup restore nightly --into ${cli.path('out/file')}`)
    assert.equal(clear.length, 1, clear.join(', '))
    assert.match(clear[0] ?? '', /\/out\/file\.restore_[0-9a-f]{12}\.part$/)
    assert.deepEqual(readdirSync(cli.path('out')), ['file'])
    assert.deepEqual(readdirSync(cli.path('tmp')), [])
  })
})
