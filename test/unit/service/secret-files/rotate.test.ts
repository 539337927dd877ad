import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import { readdirSync, rmSync, statSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { describe, test, type TestContext } from 'node:test'
import {
  checkSecretKeys,
  generateSecretKey,
  listKeyBackups,
  passphraseHolder,
  recoverSecretKey,
  retirePreviousKey,
  revealBackup,
  rotateSecretKey,
} from '../../../../src/app-secret-files.ts'
import { CoffreError, hasCode } from '../../../../src/model/errors.ts'
import { Secret } from '../../../../src/model/secret.ts'
import { Workspace } from '../../../../src/service/secret-files/change/workspace.ts'
import { readDotenv } from '../../../../src/service/secret-files/file/dotenv-text.ts'
import { readToml } from '../../../../src/service/secret-files/file/toml-text.ts'
import { readKeyFiles, writeKeyFiles } from '../../../../src/service/secret-files/key-files.ts'
import { keepOldKeys, newValues } from '../../../../src/service/secret-files/previous-key.ts'
import { probeSession } from '../../../../src/service/secret-files/run/session-probe.ts'
import { toTarget } from '../../../../src/service/secret-files/project.ts'
import { SecretSessionKeys } from '../../../../src/service/sessions/secret-session-keys.ts'
import { verifySecureSession } from '../../../../src/service/sessions/secure-session.ts'
import { Sessions } from '../../../../src/service/sessions/sessions.ts'
import { failsWith } from '../../../temporary.ts'
import { DEFAULT_FILES, TestProject } from './project.ts'

const HOLDER = passphraseHolder(new Secret('a passphrase of the backup'))
const DAY = 86_400_000

function keyIn(project: TestProject): string | undefined {
  const key = readDotenv(project.read('.env'))['SECRET_KEY']
  assert.equal(readToml(project.read('.streamlit/secrets.toml'))['SECRET_KEY'], key)
  return key
}

async function withKey(project: TestProject): Promise<string> {
  return (await generateSecretKey(project.parts, {})).key.reveal()
}

const SCOPE = { issuer: 'https://shop.example', audience: 'shop' }

interface Application {
  readonly url: string
  /** What the server was sent. */
  readonly asked: readonly string[]
  /** The key that it started with. */
  readonly stale: string
  mode: 'good' | 'stale' | 'open' | 'down' | 'failing' | 'keeps-old'
}

/** A page that asks for a session under the key in the project's files, read at each request. */
async function startApplication(t: TestContext, project: TestProject): Promise<Application> {
  const application: { -readonly [Name in keyof Application]: Application[Name] } & { asked: string[] } = {
    url: '',
    asked: [],
    stale: keyIn(project) ?? '',
    mode: 'good',
  }
  const server = createServer(async ({ headers }, response) => {
    const token = (headers.cookie ?? headers.authorization ?? '').replace(/^(session=|Bearer )/, '')
    application.asked.push(token)
    const { mode, stale } = application
    const current = keyIn(project) ?? ''
    const keys = { stale: [stale], 'keeps-old': [current, stale] }[mode as string] ?? [current]
    const opened = await Promise.all(keys.map((key) => isSession(token, key)))
    const isIn = mode === 'open' || opened.includes(true)
    if (mode === 'down') response.destroy()
    else response.writeHead(mode === 'failing' ? 500 : isIn ? 200 : 401).end()
  })
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  t.after(() => server.close())
  const { port } = server.address() as AddressInfo
  application.url = `http://127.0.0.1:${port}/me`
  return application
}

async function isSession(token: string, key: string): Promise<boolean> {
  if (verifySecureSession(token, key) !== null) return true
  const sessions = new Sessions({ keys: new SecretSessionKeys({ current: key }), ...SCOPE })
  return (await sessions.verify(token)) !== undefined
}

/** As a process that is ended before it keeps or undoes what it wrote. */
async function leaveChange(project: TestProject, paths: readonly string[]): Promise<void> {
  const workspace = await Workspace.open(project.folder)
  const files = await readKeyFiles(workspace, paths.map(toTarget))
  const values = newValues('SECRET_KEY', { key: 'k'.repeat(40), previous: [] })
  await writeKeyFiles(workspace, files, values)
  await workspace.close()
}

describe('secret-key rotate', () => {
  test('replaces the key everywhere, backs the old one up encrypted and lets it verify for a session', async (t) => {
    const project = new TestProject(t)
    const old = await withKey(project)
    const hooks = { restart: 'echo x >> restarted', probe: 'test -f restarted' }
    const { replaced, graceUntil } = await rotateSecretKey(project.parts, { hooks }, HOLDER)
    assert.notEqual(keyIn(project), old)
    assert.equal(project.read('restarted'), 'x\n')
    assert.equal(readDotenv(project.read('.env'))['SECRET_KEY_PREVIOUS'], old)
    assert.equal(graceUntil, new Date(project.now + DAY).toISOString())
    const [backup] = readdirSync(project.path('.coffre/backup'))
    const text = project.read(`.coffre/backup/${backup}`)
    assert.ok(!text.includes(old) && text.includes('SECRET_KEY = "coffre:v1:'))
    assert.equal(project.mode(`.coffre/backup/${backup}`), 0o600)
    const revealed = await revealBackup(project.parts, { fingerprint: replaced }, HOLDER)
    assert.equal(revealed.reveal(), old)
  })

  test('undoes everything when the probe fails: the same bytes, the same files, and a second restart', async (t) => {
    const project = new TestProject(t, { '.env': '# mine\r\nA=1\r\n' })
    await withKey(project)
    const before = project.snapshot()
    const inodes = DEFAULT_FILES.map((path) => statSync(project.path(path)).ino)
    const hooks = { restart: 'echo x >> .coffre/restarts', probe: 'exit 1' }
    const request = { hooks, probeSeconds: 0, plainBackup: true }
    await assert.rejects(rotateSecretKey(project.parts, request, HOLDER), (error) =>
      hasCode(error, 'SECRET_KEY_ROLLED_BACK'),
    )
    assert.deepEqual(readdirSync(project.path('.coffre/backup')), [], 'the key is in its files')
    assert.deepEqual(readdirSync(project.path('.coffre/plain')), [])
    assert.deepEqual(project.snapshot(), before)
    assert.deepEqual(
      DEFAULT_FILES.map((path) => statSync(project.path(path)).ino),
      inodes,
    )
    assert.equal(project.read('.coffre/restarts'), 'x\nx\n')
    await assert.rejects(rotateSecretKey(project.parts, { hooks: { restart: 'exit 3' } }, HOLDER), (error) =>
      hasCode(error, 'SECRET_KEY_ROLLED_BACK'),
    )
    assert.deepEqual(project.snapshot(), before)
  })

  test('leaves what somebody saved while the probe ran, and takes only its own key out of it', async (t) => {
    const project = new TestProject(t, { '.env': 'A=1\n', '.gitignore': 'x\n' })
    project.git('init', '-q')
    const old = await withKey(project)
    const [before, toml] = [project.read('.env'), project.read('.streamlit/secrets.toml')]
    const hooks = { probe: 'echo B=2 >> .env; echo y >> .gitignore; exit 1' }
    await assert.rejects(rotateSecretKey(project.parts, { hooks, probeSeconds: 0 }, HOLDER), (error) => {
      return error instanceof CoffreError && error.facts['edited'] === '.env'
    })
    assert.equal(keyIn(project), old)
    assert.equal(project.read('.env'), `${before}B=2\n`)
    assert.equal(project.read('.streamlit/secrets.toml'), toml)
    assert.deepEqual(
      readdirSync(project.folder).filter((name) => name.includes('.coffre-')),
      [],
    )
  })

  test('that is ended in the middle leaves what somebody saved after it, without its key', async (t) => {
    const targets = ['.env', 'new.env']
    const config = JSON.stringify({ secretFiles: { targets } })
    const project = new TestProject(t, { '.env': 'A=1\n', '.coffre.json': config })
    const old = await withKey(project)
    project.write('.env', `${project.read('.env')}SECRET_KEY_PREVIOUS='${'p'.repeat(40)}'\n`)
    rmSync(project.path('new.env'))
    await leaveChange(project, targets)
    assert.ok(!project.read('.env').includes(old))
    for (const path of targets) project.write(path, `${project.read(path)}B=2\n`)
    await checkSecretKeys(project.parts, {})
    const saved = { A: '1', SECRET_KEY: old, SECRET_KEY_PREVIOUS: 'p'.repeat(40), B: '2' }
    assert.deepEqual({ ...readDotenv(project.read('.env')) }, saved)
    assert.equal(project.read('new.env'), 'B=2\n')
    assert.match(
      project.read('.coffre/security.log'),
      /secret-file\.recover - .*"edited":"\.env, new\.env"\}/,
    )
  })

  test('asks an address until it answers', async (t) => {
    const project = new TestProject(t)
    const old = await withKey(project)
    let asked = 0
    const server = createServer((_request, response) => {
      asked += 1
      response.writeHead(asked < 3 ? 503 : 204).end()
    })
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
    t.after(() => server.close())
    const { port } = server.address() as AddressInfo
    await rotateSecretKey(project.parts, { hooks: { probe: `http://127.0.0.1:${port}/health` } }, HOLDER)
    assert.equal(asked, 3)
    assert.notEqual(keyIn(project), old)
  })

  test('asks the application with a session under the new key, and undoes all where it takes none or any', async (t) => {
    const project = new TestProject(t)
    await withKey(project)
    const application = await startApplication(t, project)
    const sessionProbe = { url: application.url }
    const first = keyIn(project) ?? ''
    await rotateSecretKey(project.parts, { hooks: { sessionProbe }, isCompromised: true }, HOLDER)
    const key = keyIn(project) ?? ''
    assert.notEqual(key, first)
    for (const how of [{ cookie: 'session' }, { scope: SCOPE }, { cookie: 'session', scope: SCOPE }]) {
      assert.equal(await probeSession({ ...sessionProbe, ...how }, { key, ended: first }), true)
    }
    // The application still has the old key: its restart was forgotten.
    application.mode = 'stale'
    const before = project.snapshot()
    const undone = rotateSecretKey(project.parts, { hooks: { sessionProbe }, probeSeconds: 0 }, HOLDER)
    await assert.rejects(undone, (error) => {
      assert.ok(hasCode(error, 'SECRET_KEY_ROLLED_BACK') && error instanceof CoffreError)
      return error.facts['step'] === 'session'
    })
    assert.deepEqual(project.snapshot(), before)
    for (const mode of ['open', 'down', 'failing'] as const) {
      application.mode = mode
      assert.equal(await probeSession(sessionProbe, { key }), false, mode)
    }
    application.mode = 'keeps-old'
    assert.equal(await probeSession(sessionProbe, { key }), true)
    assert.equal(await probeSession(sessionProbe, { key, ended: application.stale }), false)
    assert.ok(application.asked.length > 10)
  })

  test('sends a session to no address that others can listen at', async (t) => {
    const project = new TestProject(t)
    const old = await withKey(project)
    for (const url of ['http://example.org/me', 'ftp://127.0.0.1/', 'https://a:b@example.org/', 'me']) {
      const hooks = { sessionProbe: { url } }
      await assert.rejects(
        rotateSecretKey(project.parts, { hooks }, HOLDER),
        failsWith('CONFIG_REFUSED'),
        url,
      )
    }
    const hooks = { sessionProbe: { url: 'https://example.org/', cookie: 'a; b' } }
    await assert.rejects(rotateSecretKey(project.parts, { hooks }, HOLDER), failsWith('CONFIG_REFUSED'))
    assert.equal(keyIn(project), old)
    const probe = { url: 'https://example.org/', issuer: 'shop' }
    project.write('.coffre.json', JSON.stringify({ secretFiles: { sessionProbe: probe } }))
    await assert.rejects(rotateSecretKey(project.parts, {}, HOLDER), failsWith('CONFIG_REFUSED'))
  })

  test('of a compromised key leaves none that verifies', async (t) => {
    const project = new TestProject(t)
    await withKey(project)
    await rotateSecretKey(project.parts, {}, HOLDER)
    const known = keyIn(project) ?? ''
    const { graceUntil } = await rotateSecretKey(project.parts, { isCompromised: true }, HOLDER)
    assert.equal(graceUntil, undefined)
    for (const path of DEFAULT_FILES) {
      assert.ok(!project.read(path).includes(known))
      assert.ok(!project.read(path).includes('PREVIOUS'))
    }
  })

  test('keeps each key before until its own end, and takes it away after', async (t) => {
    const project = new TestProject(t)
    const first = await withKey(project)
    const previous = () => {
      const variables = readDotenv(project.read('.env'))
      return Object.keys(variables).flatMap((name) =>
        name.startsWith('SECRET_KEY_PREVIOUS') ? [[name, variables[name]]] : [],
      )
    }
    assert.equal(await retirePreviousKey(project.parts, {}), 'none')
    await rotateSecretKey(project.parts, {}, HOLDER)
    const second = keyIn(project) ?? ''
    project.now += DAY - 1
    assert.equal(await retirePreviousKey(project.parts, {}), 'live')
    const { endedEarly } = await rotateSecretKey(project.parts, {}, HOLDER)
    assert.equal(endedEarly, undefined)
    assert.deepEqual(previous(), [
      ['SECRET_KEY_PREVIOUS', second],
      ['SECRET_KEY_PREVIOUS_2', first],
    ])
    assert.deepEqual((await checkSecretKeys(project.parts, {})).findings, [])
    const sessions = SecretSessionKeys.fromEnvironment(readDotenv(project.read('.env')))
    for (const each of [first, second]) {
      const { kid } = await new SecretSessionKeys({ current: each }).current()
      assert.deepEqual(await sessions.find(kid), { kid, algorithm: 'HS256' })
    }
    project.now += 1
    assert.deepEqual(
      (await checkSecretKeys(project.parts, {})).findings.map(({ code }) => code),
      ['previous-expired', 'previous-expired'],
    )
    assert.equal(await retirePreviousKey(project.parts, {}), 'retired')
    assert.deepEqual(previous(), [['SECRET_KEY_PREVIOUS', second]])
    assert.equal(await retirePreviousKey(project.parts, {}), 'live')
    project.now += DAY
    assert.equal(await retirePreviousKey(project.parts, {}), 'retired')
    assert.ok(!project.read('.env').includes('PREVIOUS'))
  })

  test('names the keys that it has no name left for, and drops all of them after a compromise', () => {
    const old = Array.from({ length: 5 }, (_, index) => {
      return { key: `old-${index}`, fingerprint: String(index), until: new Date(index).toISOString() }
    })
    const replaced = { key: 'now', fingerprint: 'n', until: new Date(9).toISOString() }
    const names = (keys: readonly { fingerprint: string }[]) => keys.map((each) => each.fingerprint).join('')
    const { kept, ended } = keepOldKeys(old, { key: 'new', replaced, now: 0 })
    assert.deepEqual([names(kept), names(ended)], ['n123', '4'])
    const again = keepOldKeys(old, { key: 'old-2', replaced, now: 1 })
    assert.deepEqual(
      [names(again.kept), names(again.ended)],
      ['n34', ''],
      'one that is current again is not old',
    )
    const none = keepOldKeys(old, { key: 'new', replaced, now: 3, isCompromised: true })
    assert.deepEqual([names(none.kept), names(none.ended)], ['', 'n4'])
  })

  test('gives an application the key before, as its sessions take it', async (t) => {
    const project = new TestProject(t)
    await withKey(project)
    const before = SecretSessionKeys.fromEnvironment(readDotenv(project.read('.env')))
    const { kid } = await before.current()
    await rotateSecretKey(project.parts, {}, HOLDER)
    const after = SecretSessionKeys.fromEnvironment(readDotenv(project.read('.env')))
    assert.notEqual((await after.current()).kid, kid)
    assert.deepEqual(await after.find(kid), { kid, algorithm: 'HS256' })
    await rotateSecretKey(project.parts, { isCompromised: true }, HOLDER)
    const safe = SecretSessionKeys.fromEnvironment(readDotenv(project.read('.env')))
    assert.equal(await safe.find(kid), undefined)
  })

  test('keeps the old files in clear only where that is asked for, closed, out of git, and for a day', async (t) => {
    const project = new TestProject(t)
    project.git('init', '-q')
    await withKey(project)
    const before = DEFAULT_FILES.map((path) => project.read(path)).toSorted()
    assert.equal((await rotateSecretKey(project.parts, {}, HOLDER)).plainBackups, undefined)
    const old = DEFAULT_FILES.map((path) => project.read(path)).toSorted()
    assert.notDeepEqual(old, before)
    const { plainBackups = [] } = await rotateSecretKey(project.parts, { plainBackup: true }, HOLDER)
    assert.deepEqual(plainBackups.map((path) => project.read(path)).toSorted(), old)
    for (const path of plainBackups) assert.equal(project.mode(path), 0o600)
    assert.ok(!project.git('status', '--porcelain', '-uall').includes('.coffre'))
    project.now += DAY - 1
    await checkSecretKeys(project.parts, {})
    assert.equal(readdirSync(project.path('.coffre/plain')).length, plainBackups.length)
    project.now += 1
    await checkSecretKeys(project.parts, {})
    assert.deepEqual(readdirSync(project.path('.coffre/plain')), [])
  })

  test('needs a key, and one only', async (t) => {
    const project = new TestProject(t)
    await assert.rejects(rotateSecretKey(project.parts, {}, HOLDER), (error) =>
      hasCode(error, 'SECRET_KEY_MISSING'),
    )
    project.write('.env', 'SECRET_KEY=a\n')
    project.write('.streamlit/secrets.toml', 'SECRET_KEY = "b"\n')
    await assert.rejects(rotateSecretKey(project.parts, {}, HOLDER), (error) =>
      hasCode(error, 'SECRET_FILE_REFUSED'),
    )
  })

  test('takes over a weak key that no env file could hold beside others', async (t) => {
    const project = new TestProject(t, { '.env': 'SECRET_KEY="my old key"\n' })
    const { replaced, graceUntil } = await rotateSecretKey(project.parts, {}, HOLDER)
    assert.equal(graceUntil, undefined)
    assert.equal(
      (await revealBackup(project.parts, { fingerprint: replaced }, HOLDER)).reveal(),
      'my old key',
    )
  })
})

describe('secret-key recover', () => {
  test('puts a backed-up key back into every file', async (t) => {
    const project = new TestProject(t)
    const old = await withKey(project)
    const { replaced } = await rotateSecretKey(project.parts, {}, HOLDER)
    assert.deepEqual(
      (await listKeyBackups(project.folder)).map(({ fingerprint }) => fingerprint),
      [replaced],
    )
    const lost = keyIn(project) ?? ''
    await recoverSecretKey(project.parts, { fingerprint: replaced }, HOLDER)
    assert.equal(keyIn(project), old)
    assert.equal(readDotenv(project.read('.env'))['SECRET_KEY_PREVIOUS'], lost)
    assert.deepEqual((await checkSecretKeys(project.parts, {})).findings, [])
  })

  test('loses no key: the one that it takes the place of is backed up too', async (t) => {
    const project = new TestProject(t)
    await withKey(project)
    const { replaced: first, fingerprint: second } = await rotateSecretKey(project.parts, {}, HOLDER)
    const lost = keyIn(project)
    await recoverSecretKey(project.parts, { fingerprint: first }, HOLDER)
    await recoverSecretKey(project.parts, { fingerprint: second }, HOLDER)
    assert.equal(keyIn(project), lost)
  })

  test('opens nothing with another passphrase, nor under another name', async (t) => {
    const project = new TestProject(t)
    await withKey(project)
    const { replaced: fingerprint } = await rotateSecretKey(project.parts, {}, HOLDER)
    const before = project.snapshot()
    const other = passphraseHolder(new Secret('another passphrase'))
    await assert.rejects(recoverSecretKey(project.parts, { fingerprint }, other), (error) =>
      hasCode(error, 'PASSPHRASE_WRONG'),
    )
    const absent = { fingerprint: '0'.repeat(16) }
    await assert.rejects(recoverSecretKey(project.parts, absent, HOLDER), (error) =>
      hasCode(error, 'SECRET_BACKUP_NOT_FOUND'),
    )
    assert.deepEqual(project.snapshot(), before)
  })
})
