import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { describe, test, type TestContext } from 'node:test'
import { openCoffre } from '../../src/app.ts'
import { Fernet } from '../../src/crypto/fernet.ts'
import { CoffreProcess, MAIN } from './coffre-process.ts'

const USERS = 250

/** Kills `coffre apikey rotate-wrapping` as soon as it has told of its first page. */
async function killMidway(
  cli: CoffreProcess,
  environment: Readonly<Record<string, string>>,
): Promise<number> {
  const child = spawn(process.execPath, [MAIN, 'apikey', 'rotate-wrapping', '--json'], {
    cwd: cli.folder,
    env: { ...cli.baseEnvironment(), ...environment },
  })
  let told = ''
  child.stderr.on('data', (piece: Buffer) => {
    told += piece.toString()
    if (told.includes('\n')) child.kill('SIGKILL')
  })
  const signal = await new Promise((resolve) => child.on('close', (_code, by) => resolve(by)))
  assert.equal(signal, 'SIGKILL', told)
  const event = JSON.parse(told.split('\n')[0] ?? '') as Record<string, unknown>
  assert.deepEqual([event['event'], event['of']], ['progress', USERS])
  return Number(event['done'])
}

async function open(t: TestContext, cli: CoffreProcess, environment: Readonly<Record<string, string>>) {
  const coffre = await openCoffre({ dataDir: cli.dataDir, createIfMissing: true, environment })
  t.after(() => coffre.close())
  return coffre
}

describe('coffre apikey rotate-wrapping', () => {
  for (const form of ['own', 'fernet'] as const) {
    test(`that is killed in the middle loses nothing and goes on (form ${form})`, async (t) => {
      const cli = new CoffreProcess(t)
      const [old, fresh] = [Fernet.generateKey(), Fernet.generateKey()]
      const [before, after] =
        form === 'own' ? [{}, {}] : [{ FERNET_SECRET_KEY: old }, { FERNET_SECRET_KEY: `${fresh},${old}` }]
      let coffre = await open(t, cli, before)
      const keys = new Map<string, string>()
      while (keys.size < USERS) {
        const { id } = await coffre.users.create()
        await coffre.apiKeys.set({ user: id, apiKey: `key of ${id}` })
        keys.set(id, `key of ${id}`)
      }
      await coffre.close()
      const done = await killMidway(cli, after)
      assert.ok(done > 0 && done < USERS, `${done}`)
      const requireAll = async () => {
        for (const [user, key] of keys) {
          assert.equal(await coffre.apiKeys.use(user, async (bytes) => bytes.reveal().toString()), key)
        }
      }
      coffre = await open(t, cli, after)
      await requireAll()
      const resumed = await coffre.apiKeys.rotateWrapping()
      assert.ok(resumed.rotated < USERS, 'it goes on instead of beginning again')
      await coffre.close()
      coffre = await open(t, cli, form === 'own' ? {} : { FERNET_SECRET_KEY: fresh })
      await requireAll()
      await coffre.close()
    })
  }
})
