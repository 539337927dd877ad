import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { chmodSync, linkSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { describe, test } from 'node:test'
import { checkSecretKeys, generateSecretKey, planSecretKey } from '../../../../src/app-secret-files.ts'
import { CoffreError, hasCode } from '../../../../src/model/errors.ts'
import { Secret } from '../../../../src/model/secret.ts'
import { readDotenv } from '../../../../src/service/secret-files/file/dotenv-text.ts'
import { readToml } from '../../../../src/service/secret-files/file/toml-text.ts'
import { DEFAULT_FILES, TestProject } from './project.ts'

describe('secret-key generate', () => {
  test('puts one key into both files, for their owner alone, with the comment of the guide', async (t) => {
    const project = new TestProject(t)
    const { key, files } = await generateSecretKey(project.parts, {})
    assert.equal(readDotenv(project.read('.env'))['SECRET_KEY'], key.reveal())
    assert.equal(readToml(project.read('.streamlit/secrets.toml'))['SECRET_KEY'], key.reveal())
    for (const path of DEFAULT_FILES) {
      assert.equal(project.mode(path), 0o600)
      assert.match(project.read(path), /^# Secret Key \(générée automatiquement\)\nSECRET_KEY ?= ?\S+\n$/)
    }
    for (const path of ['.streamlit', '.coffre']) assert.equal(project.mode(path), 0o700)
    const readers = files.flatMap(({ readers: each }) => each)
    assert.ok(readers.every(({ verdict }) => verdict !== 'differs'))
    assert.ok(readers.filter(({ verdict }) => verdict === 'agrees').length >= 3)
  })

  test('closes a file that others could read, and touches nothing else in it', async (t) => {
    const project = new TestProject(t)
    project.write('.env', '# mine\nPORT=3000\n', 0o644)
    await generateSecretKey(project.parts, {})
    assert.equal(project.mode('.env'), 0o600)
    assert.match(project.read('.env'), /^# mine\nPORT=3000\n# Secret Key/)
  })

  test('keeps a key that is there, unless it is told to replace it', async (t) => {
    const project = new TestProject(t, { '.env': 'SECRET_KEY=changeme\n' })
    const before = project.snapshot()
    await assert.rejects(generateSecretKey(project.parts, {}), (error) => hasCode(error, 'SECRET_KEY_EXISTS'))
    assert.deepEqual(project.snapshot(), before)
    const { key } = await generateSecretKey(project.parts, { replace: true })
    assert.equal(project.read('.env'), `SECRET_KEY=${key.reveal()}\n`)
  })

  test('keeps the files out of git, once', async (t) => {
    const project = new TestProject(t, { '.gitignore': 'node_modules' })
    project.git('init', '-q')
    await generateSecretKey(project.parts, {})
    await generateSecretKey(project.parts, { replace: true })
    assert.equal(project.read('.gitignore'), 'node_modules\n/.streamlit/secrets.toml\n/.env\n')
    assert.deepEqual(project.git('status', '--porcelain', '-uall').trim().split('\n'), ['?? .gitignore'])
  })

  test('refuses a file that git has already', async (t) => {
    const project = new TestProject(t, { '.env': 'A=1\n' })
    project.git('init', '-q')
    project.git('add', '-f', '.env')
    await assert.rejects(generateSecretKey(project.parts, {}), (error) =>
      hasCode(error, 'SECRET_FILE_REFUSED'),
    )
    assert.equal(project.read('.env'), 'A=1\n')
  })

  test('writes the files that .coffre.json declares for the environment', async (t) => {
    const targets = { targets: ['deploy/production.env', 'deploy/secrets.toml'] }
    const config = JSON.stringify({ secretFiles: { environments: { production: targets } } })
    const project = new TestProject(t, { '.coffre.json': config })
    const { key } = await generateSecretKey(project.parts, { environment: 'production' })
    assert.equal(readDotenv(project.read('deploy/production.env'))['SECRET_KEY'], key.reveal())
    assert.deepEqual(Object.keys(project.snapshot()), ['.coffre.json', ...targets.targets])
  })

  test('gives each environment that nothing is declared for files of its own', async (t) => {
    const project = new TestProject(t)
    const made = [await generateSecretKey(project.parts, {})]
    for (const environment of ['staging', 'production'] as const)
      made.push(await generateSecretKey(project.parts, { environment }))
    const paths = made.map(({ files }) => files.map(({ path }) => path))
    assert.deepEqual(paths, [
      ['.streamlit/secrets.toml', '.env'],
      ['.streamlit/secrets.staging.toml', '.env.staging'],
      ['.streamlit/secrets.production.toml', '.env.production'],
    ])
    const { files, findings } = await checkSecretKeys(project.parts, { at: project.now + 183 * 86_400_000 })
    assert.equal(new Set(files.map(({ fingerprint }) => fingerprint)).size, 3)
    assert.deepEqual(
      findings.map(({ code, environment }) => `${environment} ${code}`),
      ['staging overdue', 'production overdue'],
    )
  })

  test('names them after declared ones of any form', async (t) => {
    const config = JSON.stringify({ secretFiles: { targets: ['deploy/app.env', '.env.local', 'x.toml'] } })
    const project = new TestProject(t, { '.coffre.json': config })
    const { files } = await planSecretKey(project.folder, { environment: 'production' })
    assert.deepEqual(
      files.map(({ path }) => path),
      ['deploy/app.production.env', '.env.local.production', 'x.production.toml'],
    )
  })

  test('plans without writing anything, and refuses what it would refuse', async (t) => {
    const project = new TestProject(t, { '.env': 'A=1\n' })
    const planned = await planSecretKey(project.folder, {})
    assert.deepEqual(planned.files, [
      { path: '.streamlit/secrets.toml', change: 'create' },
      { path: '.env', change: 'change' },
    ])
    assert.deepEqual(Object.keys(project.snapshot()), ['.env'])
    chmodSync(project.path('.env'), 0o400)
    await assert.rejects(planSecretKey(project.folder, {}), (error) => hasCode(error, 'SECRET_FILE_REFUSED'))
  })
})

describe('a file that is not safe to change leaves every file as it was', () => {
  const prepared: Readonly<Record<string, (project: TestProject) => void>> = {
    'a read-only file': (project) => chmodSync(project.path('.env'), 0o400),
    'a symbolic link': (project) => {
      writeFileSync(project.path('victim'), 'A=1\n')
      symlinkSync('victim', project.path('.streamlit/secrets.toml'))
    },
    'a dangling link': (project) => symlinkSync('nowhere', project.path('.streamlit/secrets.toml')),
    'a second name of another file': (project) => {
      writeFileSync(project.path('victim'), 'A = 1\n')
      linkSync(project.path('victim'), project.path('.streamlit/secrets.toml'))
    },
    'a folder in its place': (project) => mkdirSync(project.path('.streamlit/secrets.toml')),
    'what is no TOML': (project) => project.write('.streamlit/secrets.toml', 'just text'),
    'what is no UTF-8': (project) =>
      writeFileSync(project.path('.streamlit/secrets.toml'), Buffer.from([0x23, 0xff])),
    'a key that stands twice': (project) => project.write('.env', 'SECRET_KEY=a\nSECRET_KEY=b\n'),
  }
  for (const [name, prepare] of Object.entries(prepared)) {
    test(name, async (t) => {
      const project = new TestProject(t, { '.env': 'A=1\n', '.streamlit/other': '' })
      prepare(project)
      const before = project.snapshot()
      await assert.rejects(generateSecretKey(project.parts, { replace: true }), (error) =>
        hasCode(error, 'SECRET_FILE_REFUSED'),
      )
      assert.deepEqual(project.snapshot(), before)
    })
  }

  test('UTF-16, and a text with a mistake, by the name of the file', async (t) => {
    const project = new TestProject(t, { '.env': Buffer.from('A=1\n', 'utf16le').toString('utf8') })
    const refusedIn = (file: string) => (error: unknown) =>
      error instanceof CoffreError && error.code === 'SECRET_FILE_REFUSED' && error.facts['file'] === file
    await assert.rejects(generateSecretKey(project.parts, {}), refusedIn('.env'))
    project.write('.env', 'SECRET_KEY=a\nSECRET_KEY=b\n')
    await assert.rejects(generateSecretKey(project.parts, { replace: true }), refusedIn('.env'))
    project.write('.env', 'A=1\n')
    project.write('.streamlit/secrets.toml', 'x = = 1\n')
    await assert.rejects(generateSecretKey(project.parts, {}), refusedIn('.streamlit/secrets.toml'))
  })

  test('a folder that is a link', async (t) => {
    const project = new TestProject(t, { '.env': 'A=1\n', 'elsewhere/x': '' })
    symlinkSync('elsewhere', project.path('.streamlit'))
    const before = project.snapshot()
    await assert.rejects(generateSecretKey(project.parts, {}), (error) =>
      hasCode(error, 'SECRET_FILE_REFUSED'),
    )
    assert.deepEqual(project.snapshot(), before)
  })

  test('a key that two readers take differently', async (t) => {
    const project = new TestProject(t, { '.env': 'A=1\n' })
    const before = project.snapshot()
    // python-dotenv replaces ${…} inside single quotes; the others do not.
    const key = new Secret(`${'k'.repeat(40)}\${HOME}`)
    if (spawnSync('python3', ['-c', 'import dotenv']).status !== 0) {
      t.skip('apt-get install python3-dotenv')
      return
    }
    await assert.rejects(generateSecretKey(project.parts, { key }), (error) =>
      hasCode(error, 'SECRET_FILE_REFUSED'),
    )
    assert.deepEqual(project.snapshot(), before)
  })

  test('two runs at once: one goes through, the other is told', async (t) => {
    const project = new TestProject(t)
    const runs = await Promise.allSettled([1, 2].map(() => generateSecretKey(project.parts, {})))
    const failed = runs.flatMap((run) => (run.status === 'rejected' ? [run.reason] : []))
    assert.equal(failed.length, 1)
    assert.ok(hasCode(failed[0], 'SECRET_FILE_BUSY') || hasCode(failed[0], 'SECRET_KEY_EXISTS'))
    assert.deepEqual(Object.keys(project.snapshot()), DEFAULT_FILES)
  })
})
