import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import {
  chmodSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { describe, test, type TestContext } from 'node:test'
import { fileURLToPath } from 'node:url'
import { Fernet } from '../../src/crypto/fernet.ts'
import { readFernetRing } from '../../src/app-fernet.ts'
import { makeFolder } from '../temporary.ts'
import { CoffreProcess } from './coffre-process.ts'

const MODULE = fileURLToPath(new URL('../../src/app-secret-files.ts', import.meta.url))
const SECRET = fileURLToPath(new URL('../../src/model/secret.ts', import.meta.url))

const KEY = 'mistral-test-key-0123456789abcdefABCDEF'
const REVOKE = ['apikey', 'revoke-all', '--yes', '--json']

async function withKey(t: TestContext, name = 'FERNET_SECRET_KEY') {
  const cli = new CoffreProcess(t)
  const old = Fernet.generateKey()
  writeFileSync(cli.path('.env'), `# mine\nOTHER=1\n${name}=${old}\nLAST="x y"\n`, { mode: 0o600 })
  writeFileSync(cli.path('key'), KEY)
  await cli.prepare('init', `user create --client-id ada --out ${cli.path('ada')}`)
  await cli.ok('apikey set --user ada --key-file key')
  assert.equal((await cli.json('apikey show --user ada'))['form'], 'fernet')
  return { cli, old, env: () => readFileSync(cli.path('.env'), 'utf8') }
}

describe('coffre apikey revoke-all', () => {
  test('puts a new key into .env and keeps every other byte, and its users are told', async (t) => {
    const { cli, old, env } = await withKey(t, 'fernet_secret_key')
    const before = env()
    const planned = await cli.run(['apikey', 'revoke-all', '--dry-run', '--json'])
    assert.match(planned.out, /"envFile":".*\.env"/)
    assert.equal(env(), before)
    const done = await cli.run(REVOKE)
    assert.equal(done.code, 0, done.error)
    const fresh = readFernetRing({ environment: {}, folder: cli.folder })
    assert.notDeepEqual(
      fresh?.checks,
      readFernetRing({ environment: { FERNET_SECRET_KEY: old }, folder: '/' })?.checks,
    )
    assert.equal(env().replace(/(fernet_secret_key=).*/, `$1${old}`), before)
    assert.equal(statSync(cli.path('.env')).mode & 0o777, 0o600)
    assert.ok(!`${done.out}${done.error}`.includes(/=(.{44})\n/.exec(env())?.[1] ?? '-'))
    assert.deepEqual(
      readdirSync(cli.folder).filter((name) => name.includes('.coffre-')),
      [],
    )
    const asked = await cli.run(['apikey', 'test', '--user', 'ada'])
    assert.match(asked.error, /API_KEY_REQUIRED/)
    await cli.ok('apikey set --user ada --key-file key')
    assert.equal((await cli.json('apikey show --user ada'))['form'], 'fernet')
  })

  test('erases nothing where .env cannot be written, and changes no .env where nothing can be erased', async (t) => {
    const { cli, env } = await withKey(t)
    const before = env()
    chmodSync(cli.path('.env'), 0o400)
    assert.match((await cli.run(REVOKE)).error, /SECRET_FILE_REFUSED/)
    assert.equal((await cli.json('apikey show --user ada'))['status'], 'ok')
    chmodSync(cli.path('.env'), 0o600)
    const sealed = await cli.run(REVOKE, { environment: { COFFRE_DATA_DIR: cli.path('none') } })
    assert.notEqual(sealed.code, 0)
    assert.equal(env(), before)
    writeFileSync(cli.path('real'), before)
    const linked = new CoffreProcess(t)
    symlinkSync(cli.path('real'), linked.path('.env'))
    const args = [...REVOKE, '--data-dir', cli.dataDir]
    assert.match((await linked.run(args)).error, /SECRET_FILE_REFUSED/)
    assert.equal((await cli.json('apikey show --user ada'))['status'], 'ok')
  })

  test('leaves a key of the environment to its owner, and shows a new one only when it is asked to', async (t) => {
    const { cli, old, env } = await withKey(t)
    const before = env()
    const environment = { FERNET_SECRET_KEY: old }
    const silent = await cli.run(['apikey', 'revoke-all', '--yes'], { environment })
    assert.equal(silent.code, 0, silent.error)
    assert.equal(silent.out, '')
    assert.match(silent.error, /coffre fernet keygen/)
    const printed = await cli.run(['apikey', 'revoke-all', '--yes', '--print'], { environment })
    assert.equal(Buffer.from(printed.out.trim(), 'base64url').length, 32)
    assert.equal(env(), before)
    // What was revoked is refused, and the command itself mends it.
    const start = await cli.run(['serve', '--port', '0'])
    assert.deepEqual([start.code, /revoke-all/.test(start.error)], [78, true])
    assert.equal((await cli.run(REVOKE)).code, 0)
    assert.notEqual(env(), before)
  })
})

describe('a run that is killed', () => {
  /** Runs `work` where the new file is ready and the old one still there. */
  const replace = (folder: string, work: string) =>
    spawnSync(
      process.execPath,
      [
        '--input-type=module',
        '-e',
        `import { replaceValue, secretFilesOf } from ${JSON.stringify(MODULE)}
         import { Secret } from ${JSON.stringify(SECRET)}
         const request = { path: '.env', name: 'FERNET_SECRET_KEY', value: new Secret('${'n'.repeat(43)}=') }
         await replaceValue(secretFilesOf(${JSON.stringify(folder)}), request, async () => { ${work} })`,
      ],
      { encoding: 'utf8' },
    )
  const leftOf = (folder: string) => readdirSync(folder).filter((name) => name.includes('.coffre-'))

  test('between the rows and the file leaves the old one, and the next run goes through', (t) => {
    const folder = makeFolder(t)
    const old = `FERNET_SECRET_KEY=${Fernet.generateKey()}\n`
    writeFileSync(join(folder, '.env'), old, { mode: 0o600 })
    assert.equal(replace(folder, "process.kill(process.pid, 'SIGKILL')").signal, 'SIGKILL')
    assert.equal(readFileSync(join(folder, '.env'), 'utf8'), old)
    assert.equal(leftOf(folder).length, 2)
    assert.equal(replace(folder, '').status, 0)
    assert.match(readFileSync(join(folder, '.env'), 'utf8'), /=n{43}=/)
    assert.deepEqual(leftOf(folder), [])
  })

  test('after the file took its place keeps it: something may be under the new key already', (t) => {
    const folder = makeFolder(t)
    const id = '0123456789abcdef'
    writeFileSync(join(folder, '.env'), 'FERNET_SECRET_KEY=new\n', { mode: 0o600 })
    writeFileSync(join(folder, `.env.coffre-${id}.old`), 'FERNET_SECRET_KEY=old\n', { mode: 0o600 })
    const journal = { id, phase: 'keeping', files: [{ path: '.env', existed: true }], folders: [] }
    mkdirSync(join(folder, '.coffre'), { mode: 0o700 })
    writeFileSync(join(folder, '.coffre/change.json'), JSON.stringify(journal), { mode: 0o600 })
    const failed = replace(folder, "throw new Error('no store')")
    assert.match(failed.stderr, /no store/)
    assert.equal(readFileSync(join(folder, '.env'), 'utf8'), 'FERNET_SECRET_KEY=new\n')
    assert.deepEqual(leftOf(folder), [])
  })
})
