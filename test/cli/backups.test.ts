import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  chmodSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { describe, test, type TestContext } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import { zstdDecompressSync } from 'node:zlib'
import { CoffreLine, MAIN } from './coffre-process.ts'

const CONTENT = 'INSERT INTO customers VALUES (1);\n'.repeat(5_000)

/** A Coffre, a target and a recovery key. */
async function prepare(t: TestContext) {
  const cli = new CoffreLine(t)
  mkdirSync(cli.path('target'), { mode: 0o700 })
  writeFileSync(cli.path('dump.sql'), CONTENT)
  cli.environment['COFFRE_BACKUP_TARGET'] = cli.path('target')
  await cli.ok('init')
  const sheet = cli.path('sheet.txt')
  await cli.ok(`backup recovery-key --out ${sheet} --public-out ${cli.path('recovery.pub')} -y`)
  const page = readFileSync(sheet, 'utf8')
  const secret = /COFFRE-RECOVERY-[0-9A-Z-]+\n?[0-9A-Z-]*/.exec(page)?.[0].replaceAll('\n', '') ?? ''
  const signer = /Signer: (\S+)/.exec(page)?.[1] ?? ''
  writeFileSync(cli.path('recovery.key'), `${secret}\n`, { mode: 0o600 })
  const create = (...more: readonly string[]) =>
    cli.json(
      `backup create nightly --in ${cli.path('dump.sql')} --recovery ${cli.path('recovery.pub')} ${more.join(' ')}`.trim(),
    )
  return { cli, create, signer }
}

describe('coffre backup', () => {
  test('lists every series, also where one of them was changed', async (t) => {
    const { cli, create } = await prepare(t)
    assert.equal((await cli.ok('backup list')).out, '')
    await create()
    await create()
    await cli.ok(`backup create archive --in ${cli.path('dump.sql')} --recovery ${cli.path('recovery.pub')}`)
    const { out } = await cli.ok('backup list')
    assert.match(out, /^archive +1 +1 +20.* stream .*signed by us$/m)
    assert.match(out, /^nightly +2 +2 +20.* stream .*signed by us$/m)
    writeFileSync(cli.path('target/archive/catalogue'), 'not ours')
    const changed = await cli.run(['backup', 'list', '--json'])
    assert.equal(changed.code, 3)
    const { series } = JSON.parse(changed.out) as { series: { series: string; error?: string }[] }
    assert.deepEqual(
      series.map((each) => [each.series, each.error]),
      [
        ['archive', 'BACKUP_DAMAGED'],
        ['nightly', undefined],
      ],
    )
  })

  test('makes, lists, shows, verifies, prints and restores backups', async (t) => {
    const { cli, create } = await prepare(t)
    const made = await create('--note test')
    assert.deepEqual([made['sequence'], made['note'], made['isTrusted']], [1, 'test', true])
    const { out } = await cli.ok('backup list nightly')
    assert.match(out, /^1 +20.* stream .*key backup, recovery [0-9a-f]{16} +signed by us$/m)
    assert.equal((await cli.json('backup inspect nightly 1'))['id'], made['id'])
    const verdict = await cli.json('backup verify nightly --all')
    assert.equal((verdict['record'] as { plainBytes: number }).plainBytes, CONTENT.length)
    assert.equal((await cli.ok('backup cat nightly')).out, CONTENT)
    const stored = await cli.ok(`backup cat nightly --stored --out ${cli.path('stored.zst')}`)
    assert.equal(stored.out, '')
    assert.equal(zstdDecompressSync(readFileSync(cli.path('stored.zst'))).toString(), CONTENT)
    await cli.ok(`backup restore nightly --into ${cli.path('restored.sql')}`)
    assert.equal(readFileSync(cli.path('restored.sql'), 'utf8'), CONTENT)
    assert.equal(statSync(cli.path('restored.sql')).mode & 0o777, 0o600)
    const again = await cli.run(['backup', 'restore', 'nightly', '--into', cli.path('restored.sql')])
    assert.notEqual(again.code, 0)
    assert.equal((await cli.run(['backup', 'inspect', 'nightly', '7'])).code, 2)
    assert.equal((await cli.run(['backup', 'inspect', 'No Series'])).code, 2)
  })

  test('takes its content from standard input', async (t) => {
    const { cli } = await prepare(t)
    const made = await cli.run(['backup', 'create', 'piped', '--name', 'dump', '--json'], { input: CONTENT })
    assert.equal(made.code, 0, made.error)
    assert.deepEqual(JSON.parse(made.out).facts, { name: 'dump' })
    assert.equal((await cli.ok('backup cat piped')).out, CONTENT)
  })

  test('of a folder comes back as a folder, or one file of it', async (t) => {
    const { cli } = await prepare(t)
    mkdirSync(cli.path('site/images'), { recursive: true })
    writeFileSync(cli.path('site/index.html'), '<h1>Zoé</h1>')
    writeFileSync(cli.path('site/images/dot.png'), Buffer.from([1, 2, 3]), { mode: 0o640 })
    const made = await cli.json(`backup create site --files ${cli.path('site')}`)
    assert.equal(made['source'], 'files')
    await cli.ok(`backup restore site --into ${cli.path('again')}`)
    assert.equal(readFileSync(cli.path('again/index.html'), 'utf8'), '<h1>Zoé</h1>')
    assert.deepEqual([...readFileSync(cli.path('again/images/dot.png'))], [1, 2, 3])
    await cli.ok(`backup restore site --into ${cli.path('one')} --only images/dot.png`)
    assert.deepEqual(
      new Set(readdirSync(cli.path('one'), { recursive: true, encoding: 'utf8' })),
      new Set(['images', 'images/dot.png']),
    )
    const both = await cli.run(['backup', 'create', 'site', '--files', 'x', '--in', 'y'])
    assert.equal(both.code, 2)
  })

  test('on a new machine opens with the sheet alone, and only what its signer made', async (t) => {
    const { cli, create, signer } = await prepare(t)
    assert.match(signer, /^coffre-backup\/[0-9a-f-]{36}\+[0-9a-f]{8}\+/)
    await create()
    renameSync(cli.dataDir, cli.path('burnt'))
    rmSync(cli.path('.local'), { recursive: true })
    const restore = ['backup', 'restore', 'nightly', '--into', cli.path('back.sql')]
    const opener = ['--recovery-key-file', cli.path('recovery.key')]
    assert.equal((await cli.run(restore)).code, 5)
    const untrusted = await cli.run([...restore, ...opener])
    assert.equal(untrusted.code, 3)
    assert.match(untrusted.error, /BACKUP_UNTRUSTED/)
    const done = await cli.run([...restore, ...opener, '--signer', signer])
    assert.equal(done.code, 0, done.error)
    assert.equal(readFileSync(cli.path('back.sql'), 'utf8'), CONTENT)
  })

  test('opens with the sheet of the seal key, where that is the recovery key', async (t) => {
    const { cli } = await prepare(t)
    const made = await cli.json(`backup recovery-key --from-seal --public-out ${cli.path('seal.pub')}`)
    await cli.ok(
      `backup create nightly --in ${cli.path('dump.sql')} --recovery ${cli.path('seal.pub')} --no-key`,
    )
    const again = `backup recovery-key --from-seal --out ${cli.path('seal.txt')} --public-out ${cli.path('again.pub')} -y`
    const { fingerprint } = await cli.json(again)
    assert.equal(fingerprint, made['fingerprint'])
    assert.equal(readFileSync(cli.path('again.pub'), 'utf8'), readFileSync(cli.path('seal.pub'), 'utf8'))
    const page = readFileSync(cli.path('seal.txt'), 'utf8')
    assert.match(page, /coffre backup recover/)
    const words =
      page
        .match(/[0-9]+ [a-z]+/g)
        ?.map((word) => word.replace(/^[0-9]+ /, ''))
        .slice(-27) ?? []
    const text = /COFFRE-SEAL-KEY-[0-9A-Z-]+\n?[0-9A-Z-]*/.exec(page)?.[0].replaceAll('\n', '') ?? ''
    renameSync(cli.dataDir, cli.path('burnt'))
    const signer = /^Signer: (\S+)$/m.exec(page)?.[1] ?? ''
    assert.deepEqual(made['signers'], [signer])
    for (const typed of [text, words.join(' ')]) {
      writeFileSync(cli.path('typed'), typed, { mode: 0o600 })
      const { out } = await cli.ok(
        `backup cat nightly --recovery-key-file ${cli.path('typed')} --signer ${signer}`,
      )
      assert.equal(out, CONTENT)
    }
  })

  test('refuses a changed backup and leaves the target alone', async (t) => {
    const { cli, create } = await prepare(t)
    const { id } = await create()
    const body = cli.path(`target/nightly/${String(id)}.body`)
    const whole = readFileSync(body)
    whole[whole.length - 20] = (whole[whole.length - 20] ?? 0) ^ 1
    writeFileSync(body, whole)
    writeFileSync(cli.path('out.sql'), 'before')
    const restored = await cli.run([
      'backup',
      'restore',
      'nightly',
      '--into',
      cli.path('out.sql'),
      '--replace',
    ])
    assert.equal(restored.code, 3)
    assert.match(restored.error, /chunk: \d+/)
    assert.equal(readFileSync(cli.path('out.sql'), 'utf8'), 'before')
    assert.deepEqual(
      readdirSync(cli.folder).filter((name) => name.startsWith('out.sql')),
      ['out.sql'],
    )
    assert.equal((await cli.run(['backup', 'verify', 'nightly'])).code, 3)
  })

  test('restores over the same file again and again, and keeps what each restore replaced', async (t) => {
    const { cli, create } = await prepare(t)
    await create()
    writeFileSync(cli.path('out.sql'), 'before')
    for (let number = 0; number < 2; number += 1) {
      await cli.ok(`backup restore nightly --replace --into ${cli.path('out.sql')}`)
    }
    const kept = readdirSync(cli.folder).filter((name) => name.startsWith('out.sql.before_'))
    const contents = kept.map((name) => readFileSync(cli.path(name), 'utf8'))
    assert.deepEqual(new Set(contents), new Set(['before', CONTENT]))
  })

  test('says what a restore would do, and never the password or the user of a URL', async (t) => {
    const { cli, create } = await prepare(t)
    await create()
    const plan = (url: string) =>
      cli.run(['backup', 'restore', 'nightly', '--dry-run', '--json', '--into', url])
    const refused = await plan('postgres://app:hunter2@db/shop')
    assert.deepEqual([refused.code, /CONFIG_REFUSED/.test(refused.error)], [78, true])
    assert.doesNotMatch(refused.out + refused.error, /hunter2/)
    const told = await plan('postgres://app@db/shop')
    assert.deepEqual([told.code, /db\/shop/.test(told.out), /app/.test(told.out)], [0, true, false])
  })

  test('that is stopped leaves nothing on the target, and says so', async (t) => {
    const { cli } = await prepare(t)
    const args = ['backup', 'create', 'nightly', '--compression', 'none', '--quiet']
    const { cwd, env } = { cwd: cli.folder, env: { ...cli.baseEnvironment(), COFFRE_DATA_DIR: cli.dataDir } }
    const child = spawn(process.execPath, [MAIN, ...args], { cwd, env })
    let error = ''
    child.stderr.on('data', (piece: Buffer) => (error += piece.toString()))
    child.stdin.on('error', () => undefined)
    const ended = once(child, 'close')
    const parts = () => readdirSync(cli.path('target'), { recursive: true })
    const isOpen = () => parts().some((name) => String(name).endsWith('.part'))
    // Its input never ends by itself.
    while (child.exitCode === null && !isOpen()) {
      child.stdin.write(Buffer.alloc(1_000_000, 1))
      await setTimeout(20)
    }
    child.kill('SIGINT')
    const [code] = (await ended) as [number | null]
    assert.deepEqual([code, isOpen()], [130, false], error)
    assert.match(error, /Stopped; what had begun was taken away again/)
    assert.match((await cli.ok('audit list --last 10 --json')).out, /BACKUP_INTERRUPTED/)
  })

  test('prunes and rekeys, and says before what it would do', async (t) => {
    const { cli, create } = await prepare(t)
    for (let count = 0; count < 3; count += 1) await create()
    const plan = await cli.ok('backup prune nightly --last 1 --dry-run')
    assert.match(plan.out, /- nightly 1\n- nightly 2/)
    assert.equal((await cli.run(['backup', 'prune', 'nightly', '--last', '1'])).code, 2)
    assert.equal((await cli.run(['backup', 'prune', 'nightly', '-y'])).code, 2)
    const pruned = await cli.json('backup prune nightly --last 1 -y')
    assert.deepEqual([pruned['removed'], pruned['kept']], [[1, 2], [3]])
    writeFileSync(cli.path('passphrase'), 'correct horse battery staple\n', { mode: 0o600 })
    await cli.ok(`backup rekey nightly --all --no-key --backup-passphrase-file ${cli.path('passphrase')}`)
    const view = await cli.json('backup inspect nightly')
    assert.deepEqual(view['slots'], [{ slot: 'passphrase' }])
    assert.equal((await cli.run(['backup', 'cat', 'nightly'])).code, 4)
    const { out } = await cli.ok(`backup cat nightly --backup-passphrase-file ${cli.path('passphrase')}`)
    assert.equal(out, CONTENT)
  })

  test('begins again on a target that was emptied only when told so', async (t) => {
    const { cli, create } = await prepare(t)
    await create()
    await create()
    rmSync(cli.path('target/nightly'), { recursive: true })
    const refused = await cli.run(['backup', 'list', 'nightly'])
    assert.deepEqual([refused.code, /BACKUP_ROLLED_BACK/.test(refused.error)], [3, true])
    assert.equal((await create('--accept-older'))['sequence'], 1)
    await cli.ok('backup list nightly')
  })

  test('without a recipient or a target says what is missing', async (t) => {
    const { cli } = await prepare(t)
    const none = await cli.run(['backup', 'create', 'nightly', '--in', cli.path('dump.sql'), '--no-key'])
    assert.deepEqual([none.code, /a key, a passphrase or a recovery key/.test(none.error)], [78, true])
    delete cli.environment['COFFRE_BACKUP_TARGET']
    assert.equal((await cli.run(['backup', 'list', 'nightly'])).code, 78)
    const missing = await cli.run(['backup', 'list', 'nightly', '--target', cli.path('no-such-folder')])
    assert.match(missing.error, /BUCKET_NOT_FOUND/)
  })

  test('looks for keys on the target, and at who else reads it', async (t) => {
    const { cli, create } = await prepare(t)
    await create()
    const clean = await cli.ok('backup verify --remote')
    assert.match(clean.out, /^No key material in .*target: 3 objects/)
    const sealKey = readFileSync(join(cli.dataDir, 'seal.key'), 'utf8').trim()
    writeFileSync(cli.path('target/notes.txt'), `do not lose: ${sealKey.toUpperCase()} !`, { mode: 0o600 })
    const found = await cli.run(['backup', 'verify', 'nightly', '--remote'])
    assert.equal(found.code, 1)
    assert.match(found.out, /^notes\.txt: a secret that this command knows \(the seal key\)$/m)
    assert.match(found.error, /Backup nightly 1 is whole/)
    assert.ok(!(found.out + found.error).toLowerCase().includes(sealKey))
    rmSync(cli.path('target/notes.txt'))
    chmodSync(cli.path('target'), 0o755)
    const open = await cli.run(['backup', 'verify', '--remote', '--json'])
    assert.deepEqual([open.code, JSON.parse(open.out).warnings], [1, ['readable-by-others']])
    const made = await cli.run(['backup', 'create', 'nightly', '--in', cli.path('dump.sql')])
    assert.deepEqual([made.code, /Others may read the target/.test(made.error)], [0, true])
    assert.equal((await cli.run(['backup', 'verify'])).code, 2)
  })

  test('takes a passphrase from standard input, once', async (t) => {
    const { cli } = await prepare(t)
    const words = ['--no-key', '--backup-passphrase-file', '-']
    const input = 'correct horse battery staple\n'
    const create = ['backup', 'create', 'nightly', '--in', cli.path('dump.sql'), ...words]
    assert.equal((await cli.run(create, { input })).code, 0)
    const rekeyed = await cli.run(['backup', 'rekey', 'nightly', ...words], { input })
    assert.equal(rekeyed.code, 0, rekeyed.error)
    const verify = ['backup', 'verify', 'nightly', '--remote', '--backup-passphrase-file', '-']
    const verified = await cli.run(verify, { input })
    assert.equal(verified.code, 0, verified.error)
  })

  test('refuses keys that the database or the application has too, and makes nothing', async (t) => {
    const { cli } = await prepare(t)
    writeFileSync(cli.path('passphrase'), 'p@ssword of shop\n', { mode: 0o600 })
    cli.environment['DATABASE_URL'] = 'postgres://shop:p%40ssword%20of%20shop@db.example/shop'
    const create = ['backup', 'create', 'nightly', '--in', cli.path('dump.sql')]
    const passphrase = ['--backup-passphrase-file', cli.path('passphrase')]
    const rekey = ['backup', 'rekey', 'nightly', '--no-key']
    for (const words of [create, rekey, ['backup', 'verify', '--remote']]) {
      const args = [...words, ...passphrase]
      const refused = await cli.run(args)
      assert.equal(refused.code, 78)
      assert.match(
        refused.error,
        /the passphrase of the backup[^]*the password in DATABASE_URL[^]*openssl rand -hex 32/,
      )
      assert.ok(!refused.error.includes('p@ssword'))
    }
    assert.deepEqual(readdirSync(cli.path('target')), [])
    delete cli.environment['DATABASE_URL']
    cli.environment['COFFRE_PROJECT_DIR'] = cli.folder
    writeFileSync(cli.path('.env'), `SECRET_KEY=${'ab'.repeat(32)}\n`)
    cli.environment['BACKUP_ENCRYPTION_KEY'] = Buffer.from('ab'.repeat(32), 'hex').toString('base64')
    const file = await cli.run(['backup', 'encrypt-file', cli.path('dump.sql'), cli.path('dump.enc')])
    assert.deepEqual([file.code, /SECRET_KEY in \.env/.test(file.error)], [78, true])
  })

  test('writes and reads the files of IMP-008', async (t) => {
    const { cli } = await prepare(t)
    const [plain, sealed, back] = [cli.path('dump.sql'), cli.path('dump.enc'), cli.path('back.sql')]
    const encrypt = ['backup', 'encrypt-file', plain, sealed]
    const refused = await cli.run(encrypt)
    assert.equal(refused.code, 78)
    assert.match(refused.error, /openssl rand -hex 32/)
    cli.environment['BACKUP_ENCRYPTION_KEY'] = 'ab10'.repeat(16)
    assert.equal((await cli.run(encrypt)).code, 0)
    assert.equal((await cli.run(encrypt)).code, 2)
    assert.equal((await cli.run(['backup', 'decrypt-file', sealed, back])).code, 0)
    assert.equal(readFileSync(back, 'utf8'), CONTENT)
    cli.environment['BACKUP_ENCRYPTION_KEY'] = 'cd20'.repeat(16)
    cli.environment['BACKUP_ENCRYPTION_KEY_PREVIOUS'] = 'ab10'.repeat(16)
    assert.equal((await cli.run(['backup', 'decrypt-file', sealed, back, '--force'])).code, 0)
    delete cli.environment['BACKUP_ENCRYPTION_KEY_PREVIOUS']
    assert.equal((await cli.run(['backup', 'decrypt-file', sealed, back, '--force'])).code, 3)
  })
})
