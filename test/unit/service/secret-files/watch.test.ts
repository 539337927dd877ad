import assert from 'node:assert/strict'
import { appendFileSync, chmodSync, readFileSync, rmSync } from 'node:fs'
import { describe, test, type TestContext } from 'node:test'
import {
  decryptSecretFile,
  encryptSecretFile,
  exportSecretKey,
  type FileEvent,
  passphraseHolder,
  readVariables,
  watchSecretFiles,
} from '../../../../src/app-secret-files.ts'
import { Secret } from '../../../../src/model/secret.ts'
import { TestProject } from './project.ts'

const VALUE = 'a-value-that-no-log-has-1234567890'

/** What there was since the last call; waits until there is something. */
async function watch(t: TestContext, project: TestProject): Promise<() => Promise<string>> {
  const events: FileEvent[] = []
  let wake = () => {}
  const stop = new AbortController()
  const started = Promise.withResolvers<void>()
  const watching = watchSecretFiles(project.folder, {
    signal: stop.signal,
    onStart: started.resolve,
    onEvent: (event) => {
      events.push(event)
      wake()
    },
  })
  // Its last look may find the folder gone.
  t.after(() => {
    stop.abort()
    return watching.catch(() => undefined)
  })
  await Promise.race([started.promise, watching])
  return async () => {
    const woken = new Promise<void>((resolve) => (wake = resolve))
    if (events.length === 0) await Promise.race([woken, watching])
    return events
      .splice(0)
      .map(({ type, file }) => `${file} ${type}`)
      .join(', ')
  }
}

describe('a watch of secret files', () => {
  test('sees each read, change, mode, new file and missing file, and records them', async (t) => {
    const project = new TestProject(t, { '.env': 'SECRET_KEY=x\n' })
    const next = await watch(t, project)
    readFileSync(project.path('.env'))
    const first = await next()
    if (first === '.env reads-unseen') {
      t.skip('mount the folder for temporary files without noatime')
      return
    }
    assert.equal(first, '.env read')
    readFileSync(project.path('.env'))
    assert.equal(await next(), '.env read', 'the second read is seen as well')
    appendFileSync(project.path('.env'), 'B=2\n')
    assert.equal(await next(), '.env changed')
    chmodSync(project.path('.env'), 0o644)
    assert.equal(await next(), '.env mode')
    project.write('.streamlit/secrets.toml', 'A = 1\n')
    assert.equal(await next(), '.streamlit/secrets.toml created')
    rmSync(project.path('.env'))
    assert.equal(await next(), '.env removed')
    const log = project.read('.coffre/security.log')
    assert.equal(log.match(/SECURITY_EVENT: secret-file\.read - \{"file":"\.env"\}/g)?.length, 2)
    assert.match(log, /secret-file\.removed/)
  })

  test('changes neither bytes nor the time of writing', async (t) => {
    const project = new TestProject(t, { '.env': 'SECRET_KEY=x\n' })
    const before = project.stats('.env')
    await watch(t, project)
    const after = project.stats('.env')
    assert.deepEqual([after.mtimeNs, after.ino, after.mode], [before.mtimeNs, before.ino, before.mode])
    assert.equal(project.read('.env'), 'SECRET_KEY=x\n')
  })
})

describe('a use of secrets through Coffre', () => {
  test('is recorded with who, what for and which names, and with no value', async (t) => {
    const project = new TestProject(t, { '.env': `SECRET_KEY=${VALUE}\nB=${VALUE}\n` })
    const holder = passphraseHolder(new Secret('of the file'))
    await readVariables(project.folder, ['.env'], { program: 'node' })
    await exportSecretKey(project.folder, { shell: 'bash' })
    await encryptSecretFile(project.parts, '.env', holder)
    await decryptSecretFile(project.folder, '.env.enc', holder)
    const log = project.read('.coffre/security.log')
    const uses = [...log.matchAll(/SECURITY_EVENT: secret-file\.use - (.*)/g)].map(([, facts = '']) => {
      const { user, process: id, parent, ...rest } = JSON.parse(facts) as Record<string, unknown>
      assert.deepEqual([typeof user, id, parent], ['string', process.pid, process.ppid])
      return rest
    })
    assert.deepEqual(uses, [
      { use: 'variables', files: '.env', names: 'B, SECRET_KEY', program: 'node' },
      { use: 'export', files: '.streamlit/secrets.toml, .env', names: 'SECRET_KEY' },
      { use: 'decrypt', files: '.env.enc' },
    ])
    assert.ok(!log.includes(VALUE))
  })

  test('of which nothing can be written goes on, with a warning', async (t) => {
    const project = new TestProject(t, { '.env': 'A=1\n', '.coffre': 'a file where the folder would be' })
    const warned = new Promise<Error>((resolve) => process.once('warning', resolve))
    assert.deepEqual(await readVariables(project.folder, ['.env']), { A: '1' })
    assert.match((await warned).message, /the use of \.env is not recorded/)
  })
})
