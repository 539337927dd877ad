import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { describe, test } from 'node:test'
import { CoffreLine, CoffreProcess, MAIN } from './coffre-process.ts'

const PASSPHRASE = { COFFRE_BACKUP_PASSPHRASE: 'of the backup', COFFRE_SECRET_PASSPHRASE: 'of the file' }

describe('coffre secret-key', () => {
  test('makes a key without showing it, rotates it with the words of the guide, and ticks boxes', async (t) => {
    const cli = new CoffreLine(t)
    Object.assign(cli.environment, PASSPHRASE)
    const made = await cli.ok('secret-key generate')
    assert.equal(made.out, '')
    const key = /^SECRET_KEY=(.+)$/m.exec(read(cli, '.env'))?.[1] ?? ''
    assert.equal(key.length, 64)
    assert.ok(!made.error.includes(key))
    assert.equal((await cli.run(['secret-key', 'generate'])).code, 2)
    const rotated = await cli.ok('secret-key rotate')
    assert.match(rotated.error, /^🔄 Rotation de la SECRET_KEY\.\.\.\n[\s\S]*✅ Rotation terminée\n$/)
    assert.ok(!read(cli, '.env').includes(`SECRET_KEY=${key}\n`))
    const { backups } = (await cli.json('secret-key recover')) as { backups: { fingerprint: string }[] }
    const shown = await cli.ok(`secret-key recover ${backups[0]?.fingerprint} --print`)
    assert.equal(shown.out, `${key}\n`)
    await cli.ok('secret-key check')
    const page = await cli.ok('secret-key procedures --lang fr')
    assert.match(page.out, /`\.streamlit\/secrets\.toml`, `\.env`/)
    writeFileSync(cli.path('SECRET_KEY.md'), page.out)
    const list = await cli.ok('secret-key checklist --lang fr')
    assert.equal(list.out.match(/^- \[x\] /gm)?.length, 8)
    assert.match(list.out, /est maintenant sécurisée avec une SECRET_KEY robuste/)
  })

  test('is what generate_secret_key.py of older guides calls', async (t) => {
    const cli = new CoffreProcess(t)
    const shim = resolve(import.meta.dirname, '../../compat/generate_secret_key.py')
    const env = { ...cli.baseEnvironment(), COFFRE_COMMAND: `${process.execPath} ${MAIN}` }
    const call = () => spawnSync('python3', [shim], { cwd: cli.folder, env, encoding: 'utf8' })
    assert.equal(call().status, 0)
    const first = read(cli, '.env')
    assert.equal(call().status, 0)
    assert.notEqual(read(cli, '.env'), first)
  })

  test('tells findings with exit code 1, and an absent key with 78 in the words of the guide', async (t) => {
    const cli = new CoffreLine(t)
    const absent = await cli.run(['secret-key', 'export', '--lang', 'fr'])
    assert.equal(absent.code, 78)
    assert.match(absent.error, /SECRET_KEY non configurée/)
    writeFileSync(cli.path('.env'), 'SECRET_KEY=baguette-metro-2024\n', { mode: 0o644 })
    const found = await cli.run(['secret-key', 'check'])
    assert.equal(found.code, 1)
    assert.match(found.out, /PUBLISHED/)
    assert.ok(!found.out.includes('baguette-metro-2024'))
    const open = await cli.run(['secret-key', 'checklist'])
    assert.equal(open.code, 1)
    assert.ok(!open.out.includes('secured'))
    assert.match(open.error, /^Judged as dev\. .*\.coffre\.json/)
    writeFileSync(cli.path('.coffre.json'), '{"secretFiles":{"environment":"production"}}')
    assert.match((await cli.run(['secret-key', 'checklist'])).error, /^Judged as production\. /)
  })

  test('tells with retire --at what becomes of the old key then, and changes nothing', async (t) => {
    const cli = new CoffreLine(t)
    Object.assign(cli.environment, PASSPHRASE)
    const tell = async (at: string) => {
      const { code, error, out } = await cli.run(['secret-key', 'retire', '--at', at])
      assert.equal(code, 0)
      return error + out
    }
    await cli.ok('secret-key generate')
    assert.match(await tell('+25h'), /There is no key from before/)
    await cli.ok('secret-key rotate')
    const before = read(cli, '.env')
    assert.match(await tell('+23h'), /still verifies; nothing was changed/)
    assert.match(await tell('+25h'), /would change \.env/)
    assert.deepEqual((await cli.json('secret-key retire --at +25h'))['request'], {
      files: ['.streamlit/secrets.toml', '.env'],
    })
    assert.equal(read(cli, '.env'), before)
    assert.equal((await cli.run(['secret-key', 'retire', '--at', 'later'])).code, 2)
  })

  test('tells with --dry-run what would change, writes nothing, and refuses what would be refused', async (t) => {
    const cli = new CoffreLine(t)
    Object.assign(cli.environment, PASSPHRASE)
    assert.equal(spawnSync('git', ['init', '-q', '.'], { cwd: cli.folder }).status, 0)
    await cli.ok('secret-key generate')
    const { replaced } = await cli.json('secret-key rotate')
    await cli.ok('secret encrypt .env')
    const paths = [
      '.env',
      '.env.enc',
      '.streamlit/secrets.toml',
      '.coffre/state.json',
      '.coffre/security.log',
    ]
    const before = paths.map((path) => read(cli, path))
    const filesOf = async (line: string) => {
      const planned = await cli.json(`${line} --dry-run`)
      assert.equal(planned['dryRun'], true)
      return (planned['files'] ?? (planned['request'] as { files: unknown }).files) as string[]
    }
    assert.deepEqual(await filesOf(`secret-key recover ${String(replaced)}`), [
      '.streamlit/secrets.toml',
      '.env',
    ])
    assert.deepEqual(await filesOf('secret-key retire'), [])
    assert.deepEqual(await filesOf('secret encrypt .env'), ['.env.enc'])
    assert.deepEqual(await filesOf('secret edit .env.enc'), ['.env.enc'])
    assert.equal((await filesOf('scan --install-hook')).length, 1)
    for (const line of [
      'secret-key recover 0000000000000000',
      'secret encrypt nope.env',
      'secret edit .env.nope.enc',
    ]) {
      assert.notEqual((await cli.run([...line.split(' '), '--dry-run'])).code, 0)
    }
    assert.deepEqual(
      paths.map((path) => read(cli, path)),
      before,
    )
    assert.equal(existsSync(cli.path('.git/hooks/pre-commit')), false)
  })

  test('asks with a session only where it knows how, and undoes what the application does not take', async (t) => {
    const cli = new CoffreLine(t)
    Object.assign(cli.environment, PASSPHRASE)
    await cli.ok('secret-key generate')
    const before = read(cli, '.env')
    const rotate = async (...args: string[]) => (await cli.run(['secret-key', 'rotate', ...args])).code
    assert.equal(await rotate('--probe-cookie', 'session'), 2)
    assert.equal(await rotate('--probe-session', 'https://x.example/', '--probe-audience', 'shop'), 2)
    assert.equal(await rotate('--probe-session', 'http://x.example/'), 78)
    // Nobody listens there.
    const nobody = ['--probe-session', 'http://127.0.0.1:1/', '--probe-seconds', '0']
    const { code, error } = await cli.run(['secret-key', 'rotate', ...nobody, '--json'])
    assert.notEqual(code, 0)
    assert.equal(JSON.parse(error).error.facts.step, 'session')
    assert.equal(read(cli, '.env'), before)
  })

  test('judges as of a moment that is given', async (t) => {
    const cli = new CoffreLine(t)
    await cli.ok('secret-key generate')
    const found = await cli.run(['secret-key', 'check', '--at', '+183d', '--json'])
    assert.equal(found.code, 0, 'of development nothing is overdue')
    await cli.ok('secret-key generate --env production')
    assert.equal((await cli.run(['secret-key', 'check', '--at', '+181d'])).code, 0)
    assert.equal((await cli.run(['secret-key', 'check', '--at', '+183d'])).code, 1)
    for (const at of ['tomorrow', '+3', '2027-13-01', '+99999999d']) {
      assert.equal((await cli.run(['secret-key', 'check', '--at', at])).code, 2, at)
    }
  })

  test('takes the two lines of openssl rand -base64 64', async (t) => {
    const cli = new CoffreLine(t)
    const made = spawnSync('openssl', ['rand', '-base64', '64'], { encoding: 'utf8' })
    if (made.status !== 0) {
      t.skip('apt-get install openssl')
      return
    }
    await cli.ok('secret-key generate --key-file -', { input: made.stdout })
    const { out } = await cli.ok('secret-key export --shell bash')
    assert.equal(out, `export SECRET_KEY='${made.stdout.replaceAll('\n', '')}'\n`)
  })
})

describe('coffre secret-key watch', () => {
  test('prints each event, a line each with --json, until its time is over or it gets SIGINT', async (t) => {
    const cli = new CoffreProcess(t)
    writeFileSync(cli.path('.env'), 'SECRET_KEY=0123456789abcdef\n', { mode: 0o600 })
    assert.equal((await cli.run(['secret-key', 'watch', '--seconds', '1'])).code, 0)
    const args = ['secret-key', 'watch', '--lang', 'en']
    const child = spawn(process.execPath, [MAIN, ...args], { cwd: cli.folder, env: cli.baseEnvironment() })
    let out = ''
    child.stderr.once('data', () => chmodSync(cli.path('.env'), 0o644))
    child.stdout.on('data', (piece: Buffer) => {
      out += piece.toString()
      if (out.includes('mode')) child.kill('SIGINT')
    })
    assert.deepEqual(await once(child, 'close'), [0, null])
    assert.match(out, /^\S+Z \.env: has another mode or owner$/m)
    assert.match(read(cli, '.coffre/security.log'), /SECURITY_EVENT: secret-file\.mode - /)
  })
})

describe('coffre run', () => {
  test('gives secrets to the program, masks them, and ends as it ends', async (t) => {
    const cli = new CoffreProcess(t)
    writeFileSync(cli.path('.env'), 'SECRET_KEY=0123456789abcdef\nPORT=3000\n', { mode: 0o600 })
    const script = 'echo "$SECRET_KEY $PORT"; printf %s "$SECRET_KEY" | base64 >&2; exit 7'
    const ran = await cli.run(['run', '--', 'sh', '-c', script])
    assert.deepEqual([ran.code, ran.out, ran.error], [7, '*** 3000\n', '***\n'])
    assert.equal((await cli.run(['run', '--', 'sh', '-c', 'kill -TERM $$'])).code, 143)
    assert.equal((await cli.run(['run', '--', 'no-such-program'])).code, 127)
    const absent = await cli.run(['run', '--file', '.env.absent', '--', 'true'])
    assert.equal(absent.code, 2)
  })

  test('passes signals on', async (t) => {
    const cli = new CoffreProcess(t)
    writeFileSync(cli.path('.env'), 'A=1\n', { mode: 0o600 })
    const script = `trap 'echo got; exit 9' TERM; echo ready; while :; do sleep 0.05; done`
    const child = spawn(process.execPath, [MAIN, 'run', '--', 'sh', '-c', script], {
      cwd: cli.folder,
      env: cli.baseEnvironment(),
    })
    let out = ''
    child.stdout.on('data', (piece: Buffer) => {
      out += piece.toString()
      if (out === 'ready\n') child.kill('SIGTERM')
    })
    assert.deepEqual(await once(child, 'close'), [9, null])
    assert.equal(out, 'ready\ngot\n')
  })

  test('opens encrypted files, and keeps what opens them to itself', async (t) => {
    const cli = new CoffreProcess(t)
    Object.assign(cli.environment, PASSPHRASE)
    mkdirSync(cli.path('app'))
    writeFileSync(cli.path('.env'), 'SECRET_KEY=0123456789abcdef\n', { mode: 0o600 })
    await cli.ok('secret encrypt .env')
    assert.equal((await cli.ok('secret decrypt .env.enc')).out, 'SECRET_KEY=0123456789abcdef\n')
    assert.equal((await cli.ok('secret diff .env.enc')).out, '')
    const script = 'echo "${#SECRET_KEY} ${COFFRE_SECRET_PASSPHRASE-unset}"'
    const ran = await cli.run(['secret', 'run', '.env.enc', '--', 'sh', '-c', script])
    assert.equal(ran.out, '16 unset\n')
    const edited = await cli.run(['secret', 'edit', '.env.enc'], {
      environment: { EDITOR: 'sed -i s/SECRET/OTHER/' },
    })
    assert.equal(edited.code, 0)
    assert.equal((await cli.run(['secret', 'diff', '.env.enc'])).out, '+ SECRET_KEY\n- OTHER_KEY\n')
  })
})

describe('coffre scan', () => {
  const GIT = ['-c', 'user.name=t', '-c', 'user.email=t@example.org', '-c', 'commit.gpgsign=false']

  test('finds keys in code, in compose files and in the history, and never shows them', async (t) => {
    const cli = new CoffreProcess(t)
    const git = (...args: readonly string[]) =>
      spawnSync('git', [...GIT, ...args], { cwd: cli.folder, encoding: 'utf8' })
    git('init', '-q')
    await cli.ok('secret-key generate')
    const own = /^SECRET_KEY=(.+)$/m.exec(read(cli, '.env'))?.[1] ?? ''
    const planted: Readonly<Record<string, string>> = {
      'app.py': 'import os\nSECRET_KEY = "planted-py-value-1"\nOK = os.getenv("SECRET_KEY")\n',
      'app.ts': "const x = { apiKey: 'planted-ts-value-2' }\nconst y = process.env.SECRET_KEY\n",
      'app.js': 'const jwtSecret = `planted-js-value-3`\n',
      'compose.yaml':
        'services:\n  a:\n    environment:\n      - SECRET_KEY=planted-compose-4\n      - API_KEY=${API_KEY}\n',
      'values.yaml': 'secretKey: planted-yaml-value-5\nother: fine\n',
      'notes.md': `the key is ${own} today\n`,
    }
    for (const [path, text] of Object.entries(planted)) writeFileSync(cli.path(path), text)
    const found = await cli.run(['scan', '--json'])
    assert.equal(found.code, 1)
    const { findings } = JSON.parse(found.out) as { findings: { file: string; line: number; rule: string }[] }
    assert.deepEqual(
      findings.map(({ file, line, rule }) => `${file}:${line} ${rule}`).toSorted(),
      ['app.js:1', 'app.py:2', 'app.ts:1', 'compose.yaml:4', 'values.yaml:1']
        .map((at) => `${at} hard-coded-secret`)
        .concat('notes.md:1 own-key')
        .toSorted(),
    )
    assert.ok(!found.out.includes('planted') && !found.out.includes(own))

    git('add', '-A')
    git('commit', '-qm', 'oops')
    for (const path of Object.keys(planted)) git('rm', '-q', path)
    git('commit', '-qm', 'gone')
    assert.equal((await cli.run(['scan'])).code, 0)
    const history = await cli.run(['scan', '--history', '--json'])
    assert.equal(history.code, 1)
    assert.equal((JSON.parse(history.out) as { findings: unknown[] }).findings.length, 6)
  })

  test('looks at one file or folder of the project, and at nothing outside of it', async (t) => {
    const cli = new CoffreLine(t)
    mkdirSync(cli.path('src'))
    mkdirSync(cli.path('src2'))
    writeFileSync(cli.path('src/a.py'), 'SECRET_KEY = "planted-in-a-folder"\n')
    writeFileSync(cli.path('src2/b.py'), 'SECRET_KEY = "planted-in-another"\n')
    const filesIn = async (path: string) => {
      const { out } = await cli.run(['scan', path, '--json'])
      return (JSON.parse(out) as { findings: { file: string }[] }).findings.map(({ file }) => file)
    }
    assert.deepEqual(await filesIn('src'), ['src/a.py'])
    assert.deepEqual(await filesIn('./src2/b.py'), ['src2/b.py'])
    assert.deepEqual(await filesIn(cli.path('src/')), ['src/a.py'])
    assert.equal((await filesIn('.')).length, 2)
    for (const path of ['nope', '..', '/etc/hostname']) assert.equal((await cli.run(['scan', path])).code, 2)
    assert.equal((await cli.run(['scan', 'src', '--history'])).code, 2)
  })

  test('installs a hook that stops the commit of a secret and lets others through', async (t) => {
    const cli = new CoffreProcess(t)
    const git = (...args: readonly string[]) =>
      spawnSync('git', [...GIT, ...args], { cwd: cli.folder, env: cli.baseEnvironment(), encoding: 'utf8' })
    git('init', '-q')
    await cli.ok('scan --install-hook')
    await cli.ok('scan --install-hook')
    writeFileSync(cli.path('app.py'), 'SECRET_KEY = "planted-in-the-commit"\n')
    git('add', 'app.py')
    const stopped = git('commit', '-qm', 'no')
    assert.notEqual(stopped.status, 0)
    assert.match(stopped.stdout + stopped.stderr, /app\.py:1: hard-coded-secret/)
    writeFileSync(cli.path('app.py'), 'SECRET_KEY = os.environ["SECRET_KEY"]\n')
    git('add', 'app.py')
    assert.equal(git('commit', '-qm', 'yes').status, 0)
    writeFileSync(cli.path('.git/hooks/pre-commit'), '#!/bin/sh\nexit 0\n')
    assert.equal((await cli.run(['scan', '--install-hook'])).code, 2)
  })
})

function read(cli: CoffreProcess, path: string): string {
  return spawnSync('cat', [cli.path(path)], { encoding: 'utf8' }).stdout
}
