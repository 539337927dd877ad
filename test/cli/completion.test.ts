import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { createServer } from 'node:http'
import { once } from 'node:events'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { describe, test } from 'node:test'
import { complete } from '../../src/cli/complete.ts'
import { commandRows } from '../../src/cli/commands.ts'
import { hasCandidates } from '../../src/cli/line/partial-line.ts'
import { CoffreLine, MAIN, startServer } from './coffre-process.ts'
import { collect } from './collect.ts'

/** A loaded machine starts a process slowly; how long a person would wait is not what is tested here. */
const PATIENT = { COFFRE_COMPLETE_WAIT_MS: '10000' }
/** A shell that waits for something that does not come. */
const MAX_SHELL_MS = 60_000

/** What `__complete` answers; the words of a line are separated by one space. */
async function ask(cli: CoffreLine, line: string, environment: Record<string, string> = {}) {
  const words = line.split(' ').map((word) => `${word}\0`)
  const { stream, text } = collect()
  const [stdout, stderr] = [stream, collect()]
  const stdin = Readable.from([Buffer.from(words.join(''))])
  const places = { COFFRE_DATA_DIR: cli.dataDir, HOME: cli.folder, ...PATIENT }
  const all = { ...places, ...cli.environment, ...environment }
  await complete({ stdin, stdout, stderr: stderr.stream, environment: all })
  assert.equal(stderr.text(), '')
  return text()
    .split('\n')
    .filter((each) => each !== '')
}

function isInstalled(shell: string): string | false {
  return spawnSync(shell, ['--version']).status === 0 ? false : `no ${shell}; apt-get install ${shell}`
}

interface Shell {
  readonly name: 'bash' | 'zsh' | 'fish'
  readonly arguments: readonly string[]
  /** Sources `$1`, and prints what `$2`, a line up to its end, may go on with. */
  readonly program: string
}

const SHELLS: readonly Shell[] = [
  {
    name: 'bash',
    arguments: ['--norc', '-c'],
    // As readline calls it; COMP_WORDS are cut at : and = as well.
    program: `source "$1"; COMP_LINE=$2 COMP_POINT=\${#2} COMP_WORDS=() rest=$2
      [[ $(complete -p coffre) == *_coffre* ]] || exit 1
      while [[ $rest =~ ^\\ *([:=]+|[^:=\\ ]+)(.*)$ ]]; do COMP_WORDS+=("\${BASH_REMATCH[1]}"); rest=\${BASH_REMATCH[2]}; done
      [[ $2 == *' ' ]] && COMP_WORDS+=('')
      COMP_CWORD=$((\${#COMP_WORDS[@]} - 1)); _coffre; printf '%s\\n' "\${COMPREPLY[@]}"`,
  },
  {
    name: 'zsh',
    arguments: ['-f', '-c'],
    // A terminal of its own with a shell at which somebody types. What fits in one way only comes as typed.
    program: `zmodload zsh/zpty; zpty shell zsh -f -i; zpty -w shell "PS1='> '; unsetopt beep; autoload -Uz compinit; compinit -u -D; source $1; print -r re''ady"
      zpty -r -m shell out '*ready*'; zpty -n -w shell "$2"$'\\t'; zpty -r -m shell out "*$3*"; print -r -- "$3"; zpty -d shell`,
  },
  { name: 'fish', arguments: ['--no-config', '-c'], program: 'source $argv[1]; complete -C $argv[2]' },
]

describe('completion by names', () => {
  for (const { name, arguments: options, program } of SHELLS) {
    test(`in ${name} knows keys, versions and tokens of the place in use`, {
      skip: isInstalled(name),
    }, async (t) => {
      const cli = new CoffreLine(t)
      await cli.prepare('init', 'key create invoices', 'key create k.2', 'key rotate k.2')
      mkdirSync(cli.path('bin'))
      const launcher = `#!/bin/sh\nexec '${process.execPath}' '${MAIN}' "$@"\n`
      writeFileSync(cli.path('bin/coffre'), launcher, { mode: 0o755 })
      writeFileSync(cli.path('script'), (await cli.ok(`completion ${name}`)).out)
      const [id = ''] =
        /^coffre_([a-z0-9]+)_/.exec(readFileSync(join(cli.dataDir, 'first-token'), 'utf8'))?.slice(1) ?? []
      const places = { ...cli.baseEnvironment(), ...PATIENT, COFFRE_DATA_DIR: cli.dataDir, TERM: 'dumb' }
      const env = { ...places, PATH: `${cli.path('bin')}:${process.env['PATH'] ?? ''}` }
      const press = (line: string, expected: string) => {
        const words =
          name === 'fish' ? [cli.path('script'), line] : [name, cli.path('script'), line, expected]
        const finished = spawnSync(name, [...options, program, ...words], {
          env,
          encoding: 'utf8',
          timeout: MAX_SHELL_MS,
        })
        assert.deepEqual(finished.stdout.trim().split('\n'), [expected], `${line}: ${finished.stderr}`)
      }
      press('coffre encrypt inv', 'invoices')
      press('coffre key rotate k', 'k.2')
      press(`coffre token revoke ${id.slice(0, 4)}`, id)
      press('coffre --data-dir . key sh', 'show')
    })
  }

  test('asks the server in use with its token, and says nothing without one', async (t) => {
    const cli = new CoffreLine(t)
    const server = await startServer(t, cli)
    const admin = { COFFRE_ADDR: server.url, COFFRE_TOKEN_FILE: join(cli.dataDir, 'first-token') }
    for (const line of ['key create a', 'key create a.1', 'key create b', 'key rotate b']) {
      await cli.ok(line, { environment: admin })
    }
    assert.deepEqual(await ask(cli, 'encrypt ', admin), ['a', 'a.1', 'b'])
    assert.deepEqual(await ask(cli, 'key show a', admin), ['a', 'a.1'])
    assert.deepEqual(await ask(cli, 'key destroy b ', admin), ['1', '2'])
    assert.deepEqual(await ask(cli, 'rewrap a --to-key b', admin), ['b'])
    assert.deepEqual(await ask(cli, 'login-role create x --policy d', admin), ['default'])
    assert.deepEqual(await ask(cli, 'token create t --role ap', admin), ['app'])
    const [token = ''] = await ask(cli, 'token revoke ', admin)
    assert.match(token, /^[a-z0-9]{10}$/)
    const { COFFRE_ADDR } = admin
    assert.deepEqual(await ask(cli, 'encrypt ', { COFFRE_ADDR }), [])
    assert.deepEqual(await ask(cli, `--addr ${COFFRE_ADDR} encrypt `), [])
    // The folder that this server holds can be read beside it.
    assert.deepEqual(await ask(cli, 'encrypt b'), ['b'])
    assert.equal(await server.stop(), 0)
  })

  test('knows login roles and users, but no name for what is to be made', async (t) => {
    const cli = new CoffreLine(t)
    await cli.prepare('init', 'key create k')
    await cli.ok('login-role create shop --method certificate --role app --bound cn=shop')
    assert.deepEqual(await ask(cli, 'login-role delete '), ['shop'])
    assert.deepEqual(await ask(cli, 'login --role s'), ['shop'])
    await cli.ok(`user create --client-id ada --out ${cli.path('ada')}`)
    assert.deepEqual(await ask(cli, 'user show '), ['ada'])
    assert.deepEqual(await ask(cli, 'apikey show --user a'), ['ada'])
    for (const line of [
      'key create ',
      'login-role create ',
      'user create ',
      'token create ',
      'nonsense ',
      'key ',
      'random ',
      '',
    ]) {
      assert.deepEqual(await ask(cli, line), [], line)
    }
  })

  test('reads a folder without a record of it, and makes none where there is none', async (t) => {
    const cli = new CoffreLine(t)
    assert.deepEqual(await ask(cli, 'encrypt '), [])
    assert.deepEqual(cli.snapshot(), {})
    await cli.prepare('init', 'key create k')
    const before = (await cli.json('audit list'))['records']
    assert.deepEqual(await ask(cli, 'encrypt '), ['k'])
    const after = (await cli.json('audit list'))['records']
    assert.ok(Array.isArray(before) && Array.isArray(after))
    // Only what `audit list` itself does by opening the folder.
    const own = (await cli.json('audit list'))['records']
    assert.ok(Array.isArray(own))
    assert.equal(after.length - before.length, own.length - after.length)
  })

  test('takes from a server only what can be a name, and waits for none that does not answer', async (t) => {
    const hostile = createServer((request, answer) => {
      if (request.url?.includes('silent') === true) return
      answer.setHeader('content-type', 'application/json')
      const names = ['good', '$(reboot)', 'a\nb', '`x`', "'; rm", 'good\u001b[2J']
      answer.end(JSON.stringify({ policies: names.map((name) => ({ name, document: {}, epoch: 0 })) }))
    }).listen(0, '127.0.0.1')
    t.after(() => hostile.closeAllConnections())
    t.after(() => hostile.close())
    await once(hostile, 'listening')
    const address = hostile.address()
    assert.ok(typeof address === 'object' && address !== null)
    const cli = new CoffreLine(t)
    const at = (path: string) => ({
      COFFRE_ADDR: `http://127.0.0.1:${address.port}${path}`,
      COFFRE_TOKEN: 'x',
    })
    const line = 'login-role create x --policy '
    assert.deepEqual(await ask(cli, line, at('')), ['good'])
    assert.deepEqual(await ask(cli, line, { ...at('/silent'), COFFRE_COMPLETE_WAIT_MS: '50' }), [])
  })

  test('is there for every command that takes a key', () => {
    const taking = commandRows.filter(({ arguments: [first] = [] }) => first?.help === 'argument.key')
    assert.ok(taking.length > 10)
    for (const row of taking) {
      if (!/^key (create|import)$/.test(row.path.join(' '))) assert.ok(hasCandidates(row), row.path.join(' '))
    }
  })
})
