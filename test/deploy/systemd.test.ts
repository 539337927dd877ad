import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, type TestContext, test } from 'node:test'
import { DEFAULT_PORT } from '../../src/config.ts'
import { CONFIGURATION, EXIT_CODES, UNAVAILABLE } from '../../src/cli/exit-code.ts'
import { BODY_TIMEOUT_MS } from '../../src/http/raw-refusal.ts'
import { CoffreProcess, startServer } from '../cli/coffre-process.ts'
import { makeFolder } from '../temporary.ts'
import { findCommandMistake, findUnknownVariables, readDeployed } from './known-names.ts'

const UNIT = 'systemd/coffre.service'
const POSTGRES = 'systemd/coffre.service.d/postgres.conf'
const PROGRAM = '/opt/coffre/bin/coffre'
/** Of 100; a network service that compiles at run time reaches about 13. */
const MAX_EXPOSURE = 20

/** All values of a directive, in their order. */
function directive(name: string, unit = readDeployed(UNIT)): string[] {
  return [...unit.matchAll(new RegExp(`^${name}=(.*)$`, 'gm'))].map((match) => match[1] ?? '')
}

function execStart(): string[] {
  const [line = ''] = directive('ExecStart')
  return line.split(' ')
}

/** The environment of the unit and of the example file with every line switched on. */
function environmentOf(state: string, credentials: string): Record<string, string> {
  const fromUnit = directive('Environment').flatMap((line) => line.split(' '))
  const fromExample = [...readDeployed('systemd/coffre.env.example').matchAll(/^#?(COFFRE_\w+=.*)$/gm)]
  assert.ok(fromExample.length >= 4)
  const pairs = [...fromUnit, ...fromExample.map((match) => match[1] ?? '')].map((line) => {
    const [name = '', ...rest] = line.split('=')
    return [name, rest.join('=').replace('%d', credentials).replace('/var/lib/coffre', state)] as const
  })
  return Object.fromEntries(pairs)
}

function missing(program: string): string | false {
  const found = spawnSync(program, ['--version'], { stdio: 'ignore' }).status === 0
  return found ? false : 'systemd is not installed'
}

/** A copy that starts something which every machine has, with its drop-in. */
function installUnit(t: TestContext): string {
  const unit = join(makeFolder(t), 'coffre.service')
  mkdirSync(`${unit}.d`)
  writeFileSync(join(`${unit}.d`, 'postgres.conf'), readDeployed(POSTGRES))
  writeFileSync(unit, readDeployed(UNIT).replace(PROGRAM, '/bin/sh'))
  return unit
}

describe('deploy/systemd', () => {
  test('starts a command that exists, with options and variables that it has', () => {
    const [program, ...words] = execStart()
    assert.equal(program, PROGRAM)
    assert.equal(findCommandMistake(words), undefined)
    for (const file of [UNIT, POSTGRES, 'systemd/coffre.env.example']) {
      assert.deepEqual(findUnknownVariables(readDeployed(file)), [], file)
    }
  })

  test('a planted variable or option is found', () => {
    assert.deepEqual(findUnknownVariables('COFFRE_NEVER=1 COFFRE_SEAL_KEY_FILE=x'), ['COFFRE_NEVER'])
    assert.equal(findCommandMistake(['serve', '--never']), 'coffre serve has no --never')
    assert.equal(findCommandMistake(['melt']), 'no command: coffre melt')
  })

  test('does not restart what a restart cannot mend, and restarts what it can', () => {
    const [codes = ''] = directive('RestartPreventExitStatus')
    const prevented = codes.split(' ').map(Number)
    assert.ok(prevented.includes(CONFIGURATION))
    assert.ok(prevented.includes(EXIT_CODES.STORE_DAMAGED))
    assert.ok(prevented.includes(EXIT_CODES.PASSPHRASE_WRONG))
    assert.ok(!prevented.includes(UNAVAILABLE))
    assert.ok(!prevented.includes(1), 'a crash')
  })

  test('waits longer for the end than a request may take', () => {
    const [seconds = ''] = directive('TimeoutStopSec')
    assert.ok(Number(seconds) * 1_000 > BODY_TIMEOUT_MS)
    assert.deepEqual(directive('KillSignal'), ['SIGTERM'])
  })

  test('its settings make a Coffre that is ready, sealed by the credential', async (t) => {
    const cli = new CoffreProcess(t)
    const credentials = cli.path('credentials')
    mkdirSync(credentials)
    const [credential = ''] = directive('LoadCredential')
    writeFileSync(join(credentials, credential.split(':')[0] ?? ''), `${'5a'.repeat(32)}\n`)
    const environment = environmentOf(cli.path('state'), credentials)
    assert.equal(Number(environment['COFFRE_PORT']), DEFAULT_PORT)
    Object.assign(cli.environment, environment)
    const server = await startServer(t, cli)
    for (const path of ['/livez', '/readyz']) assert.equal((await fetch(server.url + path)).status, 200, path)
    const status = await (await fetch(`${server.url}/api/v1/status`)).text()
    assert.match(status, /"sealed":false.*"sealProvider":"environment"/)
    assert.equal(await server.stop(), 0)
  })

  test('systemd understands every line of the unit', { skip: missing('systemd-analyze') }, (t) => {
    const verified = spawnSync('systemd-analyze', ['verify', installUnit(t)], { encoding: 'utf8' })
    assert.deepEqual([verified.status, verified.stderr], [0, ''])
  })

  test('and finds it well confined', { skip: missing('systemd-analyze') }, (t) => {
    const options = ['--no-pager', '--offline=true', `--threshold=${MAX_EXPOSURE}`]
    const judged = spawnSync('systemd-analyze', ['security', ...options, installUnit(t)], {
      encoding: 'utf8',
    })
    assert.equal(judged.status, 0, judged.stdout + judged.stderr)
    assert.match(judged.stdout, /Overall exposure level/)
  })

  test('systemd-sysusers makes the account', { skip: missing('systemd-sysusers') }, (t) => {
    const folder = makeFolder(t)
    const file = join(folder, 'coffre.conf')
    writeFileSync(file, readDeployed('systemd/coffre.sysusers.conf'))
    const made = spawnSync('systemd-sysusers', ['--dry-run', `--root=${folder}`, file], { encoding: 'utf8' })
    assert.equal(made.status, 0, made.stderr)
    assert.match(made.stdout + made.stderr, /coffre/)
    const [user = ''] = directive('User')
    assert.equal(user, 'coffre')
  })
})
