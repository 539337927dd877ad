import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { chmodSync } from 'node:fs'
import { describe, test, type TestContext } from 'node:test'
import { checklist, checkSecretKeys, generateSecretKey } from '../../../../src/app-secret-files.ts'
import { hasCode } from '../../../../src/model/errors.ts'
import { failsWith } from '../../../temporary.ts'
import { judgeStrength, type Weakness } from '../../../../src/service/secret-files/check/strength.ts'
import { loadWords } from '../../../../src/service/secret-files/check/words.ts'
import { makeSecretKey, readSecretKey } from '../../../../src/service/secret-files/secret-key.ts'
import { GUIDE_KEY, TestProject } from './project.ts'

const DAY = 86_400_000

async function codesOf(project: TestProject, fix = false): Promise<readonly string[]> {
  const { findings } = await checkSecretKeys(project.parts, { fix })
  return [...new Set(findings.map(({ code }) => code))].toSorted()
}

async function judge(key: string): Promise<readonly Weakness[]> {
  const projectNames = ['baguette-metro', 'baguette', 'metro']
  return judgeStrength(key, { projectNames, words: await loadWords() }).weaknesses
}

describe('a key is judged', () => {
  const bad: [string, readonly Weakness[]][] = [
    ['password123', ['published', 'too-short', 'low-entropy', 'dictionary']],
    ['abc123', ['published', 'too-short', 'low-entropy']],
    ['baguette-metro-2024', ['published', 'too-short', 'low-entropy', 'project-name', 'year']],
    [GUIDE_KEY, ['published']],
    ['dev-secret-key-for-testing-only', ['published', 'too-short', 'placeholder']],
    ['staging-secret-key-2024', ['published', 'too-short', 'year']],
    ['votre-cle-secrete-ici', ['published', 'placeholder']],
    ['correct-cheval-batterie-agrafe-du-jour', ['dictionary', 'low-entropy']],
    ['azertyuiopazertyuiopazertyuiopazerty', ['keyboard', 'repetition']],
    ['aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa', ['repetition', 'low-entropy']],
    [`MyB4guetteApp-${'x'.repeat(30)}`, ['project-name']],
    ['change-me-change-me-change-me-change-me', ['placeholder', 'repetition']],
  ]
  for (const [key, expected] of bad) {
    test(`${key.slice(0, 12)}… is ${expected.join(', ')}`, async () => {
      const found = await judge(key)
      for (const weakness of expected)
        assert.ok(found.includes(weakness), `${weakness} not in ${found.join()}`)
    })
  }

  test('and a random one of any source passes', async () => {
    const keys = Array.from({ length: 60 }, () => [
      makeSecretKey({}),
      makeSecretKey({ alphabet: 'source' }),
      randomBytes(64).toString('base64'),
      randomBytes(32).toString('base64url'),
      randomBytes(32).toString('hex'),
    ]).flat()
    for (const key of keys) assert.deepEqual(await judge(key), [], key)
  })
})

describe('a key that somebody brings', () => {
  test('of openssl rand -base64 64 comes in two lines and becomes one', () => {
    const key = randomBytes(64).toString('base64')
    assert.equal(readSecretKey(`${key.slice(0, 64)}\n${key.slice(64)}\n`), key)
    assert.equal(readSecretKey(key), key)
  })

  test('is refused where it is short, of several lines, or has spaces', () => {
    for (const text of [
      '',
      'short',
      `${'a'.repeat(40)} b`,
      `${'é'.repeat(40)}`,
      `${'a!'.repeat(20)}\n${'b!'.repeat(20)}`,
    ]) {
      assert.throws(
        () => readSecretKey(text),
        (error) => hasCode(error, 'KEY_REFUSED'),
      )
    }
  })
})

describe('secret-key check', () => {
  test('finds nothing in what generate wrote', async (t) => {
    const project = new TestProject(t)
    await generateSecretKey(project.parts, {})
    assert.deepEqual(await codesOf(project), [])
  })

  test('finds a missing key, and files that differ', async (t) => {
    const project = new TestProject(t)
    assert.deepEqual(await codesOf(project), ['missing'])
    project.write('.env', `SECRET_KEY=${makeSecretKey({})}\n`)
    project.write('.streamlit/secrets.toml', `SECRET_KEY = "${makeSecretKey({})}"\n`)
    assert.deepEqual(await codesOf(project), ['files-differ'])
  })

  test('finds the key of production in a file for development', async (t) => {
    const project = new TestProject(t)
    const line = `SECRET_KEY=${makeSecretKey({})}\n`
    project.write('.env', line)
    project.write('.env.production', line)
    assert.deepEqual(await codesOf(project), ['reused'])
  })

  test('finds open modes, and mends them when told', async (t) => {
    const project = new TestProject(t)
    await generateSecretKey(project.parts, {})
    chmodSync(project.path('.env'), 0o644)
    chmodSync(project.path('.streamlit'), 0o755)
    assert.deepEqual(await codesOf(project), ['folder-mode', 'mode'])
    assert.deepEqual(await codesOf(project, true), [])
    assert.equal(project.mode('.env'), 0o600)
    assert.equal(project.mode('.streamlit'), 0o700)
  })

  test('finds what git would take, and what it has', async (t) => {
    const project = new TestProject(t)
    project.git('init', '-q')
    project.write('.env', `SECRET_KEY=${makeSecretKey({})}\n`)
    assert.deepEqual(await codesOf(project), ['not-ignored'])
    assert.deepEqual(await codesOf(project, true), [])
    assert.equal(project.read('.gitignore'), '/.env\n')
    project.git('add', '-f', '.env')
    assert.deepEqual(await codesOf(project), ['tracked'])
  })

  test('finds a rotation that is overdue: 91 days in staging, 182 in production, never in development', async (t) => {
    for (const [environment, days] of [
      ['staging', 91],
      ['production', 182],
      ['dev', undefined],
    ] as const) {
      const config = JSON.stringify({ secretFiles: { environment, targets: ['app.toml'] } })
      const project = new TestProject(t, { '.coffre.json': config })
      await generateSecretKey(project.parts, {})
      const start = project.now
      project.now = start + (days ?? 400) * DAY - 1
      assert.deepEqual(await codesOf(project), [], environment)
      project.now += 1
      assert.deepEqual(await codesOf(project), days === undefined ? [] : ['overdue'], environment)
    }
  })

  test('reminds of the rotation at the tag of a new major version, and of no other tag', async (t) => {
    const project = new TestProject(t, { '.gitignore': '.env\n.streamlit\n.coffre\n' })
    project.git('init', '-q')
    project.git('commit', '-q', '--allow-empty', '-m', 'first')
    project.tag('v1.9.0', project.now - DAY)
    project.tag('0.1', project.now - 2 * DAY)
    await generateSecretKey(project.parts, {})
    const start = project.now
    project.now += 10 * DAY
    for (const name of ['v1.10.0', 'v2.0.0-rc.1', 'other-3.0.0', '1.9.9']) project.tag(name, start + DAY)
    assert.deepEqual(await codesOf(project), [])
    project.tag('v2.0.0', start + 5 * DAY)
    const { findings } = await checkSecretKeys(project.parts, {})
    assert.deepEqual(findings, [{ code: 'major-version', environment: 'dev', detail: 'v2.0.0' }])
    const at = async (moment: number) =>
      (await checkSecretKeys(project.parts, { at: moment })).findings.map(({ code }) => code)
    assert.deepEqual([await at(start + 5 * DAY - 1), await at(start + 5 * DAY)], [[], ['major-version']])
    const { boxes } = await checklist(project.parts, { environment: {} })
    assert.equal(boxes.find(({ box }) => box === 'rotation')?.isTicked, false)
    await generateSecretKey(project.parts, { replace: true })
    assert.deepEqual(await codesOf(project), [])
  })

  test('takes the schedule of each environment from .coffre.json', async (t) => {
    const withRotation = (rotation: object) => ({
      '.coffre.json': JSON.stringify({ secretFiles: { targets: ['app.toml'], rotation } }),
    })
    const project = new TestProject(t, withRotation({ dev: 30 }))
    await generateSecretKey(project.parts, {})
    project.now += 30 * DAY
    assert.deepEqual(await codesOf(project), ['overdue'])
    project.write('.coffre.json', withRotation({ dev: 'on-demand' })['.coffre.json'])
    assert.deepEqual(await codesOf(project), [])
    for (const rotation of [{ dev: 0 }, { dev: 'never' }, { test: 30 }, { production: 3_651 }]) {
      project.write('.coffre.json', withRotation(rotation)['.coffre.json'])
      await assert.rejects(codesOf(project), failsWith('CONFIG_REFUSED'), JSON.stringify(rotation))
    }
  })

  test('as of a later moment finds what is overdue then, and records nothing', async (t) => {
    const config = JSON.stringify({ secretFiles: { environment: 'production', targets: ['app.toml'] } })
    const project = new TestProject(t, { '.coffre.json': config })
    await generateSecretKey(project.parts, {})
    const state = () => [project.read('.coffre/state.json'), project.read('.coffre/security.log')]
    const before = state()
    const codesAt = async (days: number) => {
      const { findings } = await checkSecretKeys(project.parts, { at: project.now + days * DAY })
      return findings.map(({ code }) => code)
    }
    assert.deepEqual(await codesAt(181), [])
    assert.deepEqual(await codesAt(182), ['overdue'])
    assert.deepEqual(state(), before)
  })

  test('shows no key in what it answers', async (t) => {
    const project = new TestProject(t)
    const { key } = await generateSecretKey(project.parts, {})
    const text = JSON.stringify(await checkSecretKeys(project.parts, {}))
    assert.ok(!text.includes(key.reveal()))
    assert.ok(!project.read('.coffre/security.log').includes(key.reveal()))
  })
})

describe('secret-key checklist', () => {
  const ticked = async (project: TestProject, environment: Record<string, string> = {}) => {
    const { boxes } = await checklist(project.parts, { environment })
    assert.equal(boxes.length, 8)
    return boxes.filter(({ isTicked }) => !isTicked).map(({ box }) => box)
  }

  async function whole(t: TestContext): Promise<TestProject> {
    const project = new TestProject(t, { 'SECRET_KEY.md': '.env .streamlit/secrets.toml' })
    project.git('init', '-q')
    project.write('.git/hooks/pre-commit', '#!/bin/sh\nexec coffre scan --staged\n', 0o755)
    await generateSecretKey(project.parts, {})
    return project
  }

  test('ticks all eight where all is well', async (t) => {
    assert.deepEqual(await ticked(await whole(t)), [])
  })

  test('ticks nothing that is only claimed: each box by its own probe', async (t) => {
    const breaks: [string, (project: TestProject) => void | Promise<unknown>][] = [
      ['generated,rotation', (project) => project.write('.coffre/state.json', '{}')],
      ['length', (project) => generateSecretKey(project.parts, { replace: true, length: 63 })],
      ['storage', (project) => chmodSync(project.path('.env'), 0o640)],
      ['production', (project) => project.write('.env.production', `SECRET_KEY=${makeSecretKey({})}\n`)],
      ['monitoring', (project) => chmodSync(project.path('.git/hooks/pre-commit'), 0o644)],
      ['procedures', (project) => project.write('SECRET_KEY.md', 'only .env')],
    ]
    for (const [expected, spoil] of breaks) {
      const project = await whole(t)
      await spoil(project)
      const open = await ticked(project)
      for (const box of expected.split(','))
        assert.ok(open.includes(box as never), `${box} not in ${open.join()}`)
    }
  })

  test('in production wants the variable and no env file', async (t) => {
    const config = JSON.stringify({ secretFiles: { environment: 'production', targets: ['app.toml'] } })
    const project = new TestProject(t, { '.coffre.json': config, 'SECRET_KEY.md': 'app.toml' })
    await generateSecretKey(project.parts, {})
    assert.deepEqual(await ticked(project), ['production'])
    assert.deepEqual(await ticked(project, { SECRET_KEY_FILE: '/run/secrets/key' }), [])
  })

  test('needs no git', async (t) => {
    const project = new TestProject(t, { 'SECRET_KEY.md': '.env .streamlit/secrets.toml' })
    await generateSecretKey(project.parts, {})
    assert.deepEqual(await ticked(project), [])
  })
})
