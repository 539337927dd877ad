import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { commandRows } from '../../src/cli/commands.ts'
import { readVersion } from '../../src/version.ts'
import { CoffreLine, CoffreProcess, MAIN } from './coffre-process.ts'

const TOKEN = `coffre_abcdefghij_${'canary0'.repeat(7)}01234567`

describe('the command line', { concurrency: 2 }, () => {
  test('shows the version and loads nothing for it', async (t) => {
    const cli = new CoffreProcess(t)
    assert.equal((await cli.ok('--version')).out, `${readVersion()}\n`)
    assert.equal((await cli.ok('--json -V')).out, `${readVersion()}\n`)
  })

  test('describes every command in its help', async (t) => {
    const cli = new CoffreProcess(t)
    const root = await cli.ok('--help')
    for (const row of commandRows) {
      const [first = ''] = row.path
      assert.ok(root.out.includes(`  ${first}`), first)
    }
    const own = await cli.ok('help encrypt')
    assert.match(own.out, /Usage: coffre encrypt \[options\] <key>[\s\S]*--lines[\s\S]*Global options:/)
    assert.equal((await cli.run(['key'])).code, 2)
  })

  const refused: [string, RegExp][] = [
    ['nope', /no command nope/],
    ['key rotat x', /Did you mean rotate\?/],
    ['key list --jsn', /Did you mean --json\?/],
    ['key list extra', /fewer arguments/],
    ['key create', /argument name is missing/],
    ['key create x --algorithm', /--algorithm <name> needs a value/],
    ['key create x --algorithm rot13', /--algorithm is one of: aes256-gcm/],
    ['key create x --tag novalue', /--tag is written name=value/],
    ['key create x --tag a=1 --tag a=2', /names one pair twice/],
    ['key create ../x', /INVALID_REQUEST/],
    ['key floor x 0', /whole number from 1/],
    ['key floor x 1e3', /whole number/],
    ['key list --limit 1001', /whole number from 1 to 1000/],
    ['key update x', /Nothing to change/],
    ['key update x --tag a=1 --clear-tags', /exclude each other/],
    ['key destroy x 1', /Repeat it with --yes/],
    ['key schedule-destroy x', /Repeat it with --yes/],
    ['key compromise x', /Repeat it with --yes/],
    ['seal', /set COFFRE_ADDR or --addr/],
    ['init --addr http://127.0.0.1:1', /not through a server/],
    ['key list --lang es', /--lang is one of: en, fr, de/],
    ['completion tcsh', /one of: bash, zsh, fish/],
    ['inspect --in absent', /--in cannot be read/],
    ['inspect --passphrase-file -', /Only one thing can come from standard input/],
  ]
  for (const [line, sentence] of refused) {
    test(`coffre ${line} is refused with a sentence and exit code 2`, async (t) => {
      const cli = new CoffreLine(t)
      const finished = await cli.run(line.split(' '))
      assert.equal(finished.code, 2)
      assert.equal(finished.out, '')
      assert.match(finished.error, sentence)
      assert.deepEqual(cli.snapshot(), {})
    })
  }

  test('accepts no token as an argument or option, and repeats none', async (t) => {
    const cli = new CoffreProcess(t)
    for (const args of [
      ['decrypt', TOKEN],
      ['key', 'list', '--token', TOKEN],
      ['status', `--token=${TOKEN}`],
    ]) {
      const finished = await cli.run([...args, '--json'])
      assert.notEqual(finished.code, 0)
      assert.match(finished.error, /command line/)
      assert.ok(!`${finished.out}${finished.error}`.includes('canary'))
    }
  })

  test('has no option that takes a secret', () => {
    const flags = commandRows.flatMap((row) => (row.options ?? []).map((option) => option.flags))
    assert.ok(flags.length > 50)
    const secrets = flags.filter((text) => /passphrase|token|secret|password|plaintext|message/.test(text))
    // A file that holds one, and the id of a token, are no secrets.
    const taken = secrets.filter((text) => !/ <(file|id)>$/.test(text))
    assert.deepEqual([...new Set(taken)], ['--show-token'])
  })

  test('repeats no value that stands after = in an unknown option', async (t) => {
    const cli = new CoffreProcess(t)
    const finished = await cli.run(['encrypt', 'x', '--plaintext=canary'])
    assert.equal(finished.code, 2)
    assert.ok(!finished.error.includes('canary'))
  })

  test('ends without a word when its reader has enough', async (t) => {
    const cli = new CoffreProcess(t)
    await cli.prepare('init')
    const script = '"$0" "$@" random --bytes 65536 --hex | head -c 1; echo " ${PIPESTATUS[0]}"'
    const finished = spawnSync('bash', ['-c', script, process.execPath, MAIN], {
      cwd: cli.folder,
      encoding: 'utf8',
    })
    assert.match(finished.stdout, /^[0-9a-f] 0\n$/)
    assert.equal(finished.stderr, '')
  })

  test('interrupted, leaves nothing of an unfinished file', async (t) => {
    const cli = new CoffreProcess(t)
    await cli.prepare('init', 'key create x')
    const child = spawn(process.execPath, [MAIN, 'encrypt', 'x', '--lines', '--out', 'out'], {
      cwd: cli.folder,
    })
    const ended = new Promise<number | null>((done) => child.on('close', done))
    // The draft is there as soon as it reads; the input never ends.
    const names = () => readdirSync(cli.folder, { recursive: true }).map(String)
    while (!names().some((name) => name.endsWith('draft'))) {
      assert.equal(child.exitCode, null)
      await new Promise((done) => setTimeout(done, 10))
    }
    child.kill('SIGINT')
    assert.equal(await ended, 130)
    assert.deepEqual(readdirSync(cli.folder), ['coffre-data'])
  })

  test('writes errors as one JSON object on standard error under --json', async (t) => {
    const cli = new CoffreProcess(t)
    const usage = await cli.run(['key', 'floor', 'x', 'y', '--json', '--lang', 'fr'])
    const { error } = JSON.parse(usage.error)
    assert.equal(error.code, 'INVALID_REQUEST')
    assert.match(error.facts.problem, /<version> is a whole number/)
    const known = await cli.run(['key', 'list', '--json', '--lang', 'de'])
    assert.equal(JSON.parse(known.error).error.message, 'There is no Coffre here yet.')
    assert.equal(known.out, '')
  })

  test('limits what it reads', async (t) => {
    const cli = new CoffreLine(t)
    await cli.ok('init')
    await cli.ok('key create x')
    const input = Buffer.alloc(1024 * 1024 + 1)
    const refusedInput = await cli.run(['encrypt', 'x'], { input })
    assert.equal(refusedInput.code, 2)
    assert.match(refusedInput.error, /LIMIT_EXCEEDED/)
    await cli.ok('encrypt x', { input: input.subarray(1) })
    const long = join(cli.folder, 'long')
    writeFileSync(long, 'x'.repeat(5_000))
    const token = await cli.run(['status', '--addr', 'http://127.0.0.1:1', '--token-file', long])
    assert.match(token.error, /LIMIT_EXCEEDED/)
  })

  test('colours only where it is told to when its output is no terminal', async (t) => {
    const cli = new CoffreProcess(t)
    const escape = '\u001b['
    assert.ok(!(await cli.run(['nope'])).error.includes(escape))
    const forced = { FORCE_COLOR: '1' }
    assert.ok((await cli.run(['nope'], { environment: forced })).error.includes(escape))
    assert.ok(!(await cli.run(['nope', '--no-color'], { environment: forced })).error.includes(escape))
    const both = { ...forced, NO_COLOR: '1' }
    assert.ok(!(await cli.run(['nope'], { environment: both })).error.includes(escape))
  })

  test('shows no control character of a stored text', async (t) => {
    const cli = new CoffreLine(t)
    await cli.ok('init')
    await cli.run(['key', 'create', 'x', '--description', 'a\u202eb'])
    const { out } = await cli.ok('key show x')
    assert.ok(!out.includes('\u202e'))
  })
})

describe('completion', () => {
  test('in bash follows the command tree', async (t) => {
    const cli = new CoffreProcess(t)
    const { out } = await cli.ok('completion bash')
    const complete = (...words: string[]): string[] => {
      const script = `${out}\nCOMP_WORDS=(coffre "$@"); COMP_CWORD=$#; _coffre; printf '%s\\n' "\${COMPREPLY[@]}"`
      const finished = spawnSync('bash', ['-c', script, 'bash', ...words], { encoding: 'utf8' })
      assert.equal(finished.stderr, '')
      return finished.stdout.trim().split('\n')
    }
    assert.deepEqual(complete('key', 'ro'), ['rotate', 'rollback'])
    assert.deepEqual(complete('audit', 'log', 'v'), ['verify'])
    assert.deepEqual(complete('encrypt', 'key', '--li'), ['--lines'])
    assert.deepEqual(complete('--json', 'un'), ['unseal'])
  })

  test('knows every command in every shell', async (t) => {
    const cli = new CoffreLine(t)
    for (const shell of ['bash', 'zsh', 'fish']) {
      const { out } = await cli.ok(`completion ${shell}`)
      for (const row of commandRows) assert.ok(out.includes(`'${row.path.join(' ')}'`), row.path.join(' '))
    }
  })
})
