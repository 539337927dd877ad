import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import { parse as parseDotenv } from 'dotenv'
import { exportStatement, quoteDotenv, quoteToml } from '../../src/service/secret-files/file/quote.ts'
import { readToml } from '../../src/service/secret-files/file/toml-text.ts'
import { KEY_ALPHABETS, makeSecretKey } from '../../src/service/secret-files/secret-key.ts'

const COUNT = 1_000
const PYTHON = '/usr/bin/python3'
const PYTHON_READER = `
import json, sys
if sys.argv[1] == 'toml':
    import tomllib
    values = tomllib.load(open(sys.argv[2], 'rb'))
else:
    import dotenv
    values = dotenv.dotenv_values(sys.argv[2])
json.dump(values, sys.stdout)
`
const folder = mkdtempSync(join(tmpdir(), 'coffre-readers-'))
after(() => rmSync(folder, { recursive: true }))

type Values = Readonly<Record<string, string>>

function write(name: string, lines: readonly string[]): string {
  const path = join(folder, name)
  writeFileSync(path, `${lines.join('\n')}\n`, { mode: 0o600 })
  return path
}

function run(command: string, args: readonly string[]): string {
  const { status, stdout, stderr } = spawnSync(command, args, {
    encoding: 'utf8',
    maxBuffer: 16 * 1024 * 1024,
  })
  assert.equal(status, 0, stderr)
  return stdout
}

function has(module: string): boolean {
  return spawnSync(PYTHON, ['-c', `import ${module}`]).status === 0
}

for (const alphabet of ['safe', 'source'] as const) {
  describe(`${COUNT} keys of the alphabet ${alphabet}`, () => {
    const keys: Values = Object.fromEntries(
      Array.from({ length: COUNT }, (_, index) => [`K${index}`, makeSecretKey({ alphabet })]),
    )
    const names = Object.keys(keys)
    const env = write(
      `${alphabet}.env`,
      names.map((name) => `${name}=${quoteDotenv(keys[name] ?? '')}`),
    )
    const toml = write(
      `${alphabet}.toml`,
      names.map((name) => `${name} = ${quoteToml(keys[name] ?? '')}`),
    )
    const pick = (values: Readonly<Record<string, unknown>>) =>
      Object.fromEntries(names.map((name) => [name, values[name]]))
    const splitNull = (text: string) =>
      Object.fromEntries(
        text
          .split('\0')
          .slice(0, -1)
          .map((value, at) => [`K${at}`, value]),
      )

    test('have 64 characters of it, of all four classes', () => {
      for (const key of Object.values(keys)) {
        assert.equal(key.length, 64)
        for (const one of [/[A-Z]/, /[a-z]/, /[0-9]/, /[^A-Za-z0-9]/]) assert.match(key, one)
        assert.ok(Array.from(key).every((character) => KEY_ALPHABETS[alphabet].includes(character)))
      }
    })

    test('survive `source` in bash', () => {
      const print = `set -a; source "$0"; for ((i = 0; i < ${COUNT}; i++)); do n="K$i"; printf '%s\\0' "\${!n}"; done`
      assert.deepEqual(splitNull(run('bash', ['-c', print, env])), keys)
    })

    test('survive node --env-file', () => {
      const out = run(process.execPath, [`--env-file=${env}`, '-p', 'JSON.stringify(process.env)'])
      assert.deepEqual(pick(JSON.parse(out)), keys)
    })

    test('survive dotenv', async () => {
      const { readFileSync } = await import('node:fs')
      assert.deepEqual(parseDotenv(readFileSync(env)), keys)
    })

    test('survive python-dotenv', { skip: has('dotenv') ? false : 'apt-get install python3-dotenv' }, () => {
      assert.deepEqual(JSON.parse(run(PYTHON, ['-c', PYTHON_READER, 'dotenv', env])), keys)
    })

    test('survive TOML here and in Python', {
      skip: has('tomllib') ? false : 'apt-get install python3',
    }, async () => {
      const { readFileSync } = await import('node:fs')
      assert.deepEqual({ ...readToml(readFileSync(toml, 'utf8')) }, keys)
      assert.deepEqual(JSON.parse(run(PYTHON, ['-c', PYTHON_READER, 'toml', toml])), keys)
    })

    for (const shell of ['bash', 'fish'] as const) {
      const skip = spawnSync(shell, ['--version']).status === 0 ? false : `apt-get install ${shell}`
      test(`survive what export prints for ${shell}`, { skip }, () => {
        const lines = names.map((name) => exportStatement(shell, name, keys[name] ?? ''))
        const script = write(`${alphabet}.${shell}`, [
          ...lines,
          `exec "$NODE" -p 'JSON.stringify(process.env)'`,
        ])
        const { stdout, stderr } = spawnSync(shell, [script], {
          encoding: 'utf8',
          env: { PATH: process.env['PATH'], NODE: process.execPath, HOME: folder },
          maxBuffer: 16 * 1024 * 1024,
        })
        assert.notEqual(stdout, '', stderr)
        assert.deepEqual(pick(JSON.parse(stdout)), keys)
      })
    }

    test('are drawn evenly: chi-square over all characters', () => {
      const symbols = Array.from(KEY_ALPHABETS[alphabet])
      const counts = new Map(symbols.map((symbol) => [symbol, 0]))
      const total = 400_000
      for (let drawn = 0; drawn < total; drawn += 500) {
        for (const symbol of makeSecretKey({ alphabet, length: 500 }))
          counts.set(symbol, (counts.get(symbol) ?? 0) + 1)
      }
      const expected = total / symbols.length
      const chiSquare = [...counts.values()].reduce(
        (sum, count) => sum + (count - expected) ** 2 / expected,
        0,
      )
      // Six standard deviations: an even generator fails once in a billion runs, a remainder of a byte always.
      const freedom = symbols.length - 1
      assert.ok(chiSquare < freedom + 6 * Math.sqrt(2 * freedom), `chi-square ${chiSquare} of ${freedom}`)
    })
  })
}
