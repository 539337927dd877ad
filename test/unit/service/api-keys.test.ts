import assert from 'node:assert/strict'
import { join } from 'node:path'
import { describe, test, type TestContext } from 'node:test'
import { DatabaseSync } from 'node:sqlite'
import { openCoffre, type OpenOptions, serve } from '../../../src/app.ts'
import { Fernet } from '../../../src/crypto/fernet.ts'
import type { EmbeddedCoffre } from '../../../src/model/coffre.ts'
import { POSTGRES_18, startPostgres } from '../../postgres-server.ts'
import { failsWith, makeFolder } from '../../temporary.ts'

const KEY = 'mistral-test-key-0123456789abcdefABCDEF'

type Query = (sql: string) => Promise<readonly Record<string, unknown>[]>

interface Place {
  readonly options: { readonly dataDir: string; readonly databaseUrl?: string }
  readonly query: Query
}

const PLACES = [
  {
    name: 'SQLite',
    skip: false as string | false,
    make: async (t: TestContext): Promise<Place> => {
      const dataDir = makeFolder(t)
      const query: Query = async (sql) => {
        const db = new DatabaseSync(join(dataDir, 'coffre.db'))
        try {
          return db.prepare(sql).all()
        } finally {
          db.close()
        }
      }
      return { options: { dataDir }, query }
    },
  },
  {
    name: 'PostgreSQL',
    skip: POSTGRES_18.skip,
    make: async (t: TestContext): Promise<Place> => {
      const server = await startPostgres(t)
      const databaseUrl = await server.makeDatabase()
      const query: Query = async (sql) => {
        const client = await server.connect(databaseUrl)
        try {
          return (await client.query(sql)).rows as Record<string, unknown>[]
        } finally {
          await client.end()
        }
      }
      return { options: { dataDir: makeFolder(t), databaseUrl }, query }
    },
  },
]

async function open(
  t: TestContext,
  place: Place,
  fernet?: string,
  rules: Pick<OpenOptions, 'lostFernetKeys'> = {},
): Promise<EmbeddedCoffre> {
  const environment = fernet === undefined ? {} : { FERNET_SECRET_KEY: fernet }
  const coffre = await openCoffre({ ...place.options, ...rules, createIfMissing: true, environment })
  t.after(() => coffre.close())
  return coffre
}

const read = (coffre: EmbeddedCoffre, user: string) =>
  coffre.apiKeys.use(user, async (key) => key.reveal().toString())

async function fill(coffre: EmbeddedCoffre, count: number): Promise<Map<string, string>> {
  const keys = new Map<string, string>()
  for (let at = 0; at < count; at += 1) {
    const { id } = await coffre.users.create()
    await coffre.apiKeys.set({ user: id, apiKey: `${KEY}-${at}` })
    keys.set(id, `${KEY}-${at}`)
  }
  return keys
}

async function requireAll(coffre: EmbeddedCoffre, keys: ReadonlyMap<string, string>): Promise<void> {
  for (const [user, key] of keys) assert.equal(await read(coffre, user), key)
}

for (const { name, skip, make } of PLACES) {
  describe(`keys of providers on ${name}`, { skip }, () => {
    test('are Fernet under FERNET_SECRET_KEY, in the column of the source, and Coffre’s own without', async (t) => {
      const place = await make(t)
      const fernet = Fernet.generateKey()
      const coffre = await open(t, place, fernet)
      const [[user] = []] = [...(await fill(coffre, 1))]
      const [row] = await place.query('select api_key_encrypted from users')
      const stored = String(row?.['api_key_encrypted'])
      assert.match(stored, /^gAAAA/)
      assert.equal(Buffer.from(new Fernet(fernet).decrypt(stored)).toString(), `${KEY}-0`)
      await coffre.close()
      const without = await open(t, place, undefined, { lostFernetKeys: 'allow' })
      assert.equal((await without.apiKeys.get(user)).status, 'unreadable')
      await assert.rejects(read(without, user ?? ''), failsWith('API_KEY_UNREADABLE'))
      await without.apiKeys.set({ user: user ?? '', apiKey: KEY })
      const [own] = await place.query('select api_key_encrypted from users')
      assert.match(String(own?.['api_key_encrypted']), /^cof1/)
      assert.equal(await read(without, user ?? ''), KEY)
    })

    test('of one row in another are refused in either form, and recorded', async (t) => {
      const place = await make(t)
      for (const fernet of [undefined, Fernet.generateKey()]) {
        const coffre = await open(t, place, fernet)
        const [[one] = [], [two] = []] = [...(await fill(coffre, 2))]
        await place.query(
          `update users set api_key_encrypted = (select api_key_encrypted from users where id = '${one}'),
             api_key_fingerprint = (select api_key_fingerprint from users where id = '${one}')
           where id = '${two}'`,
        )
        assert.equal((await coffre.apiKeys.get(two)).status, 'unreadable')
        await assert.rejects(read(coffre, two ?? ''), failsWith('API_KEY_UNREADABLE'))
        assert.equal(await read(coffre, one ?? ''), `${KEY}-0`)
        const listed = await coffre.apiKeys.list()
        assert.ok(listed.some(({ user, status }) => user === two && status === 'unreadable'))
        const [record] = (await coffre.audit.list({ last: 10 })).filter(
          ({ action, body }) => action === 'api-key.use' && body.includes(two ?? '-'),
        )
        assert.match(record?.body ?? '', fernet === undefined ? /damaged/ : /moved/)
        await coffre.users.delete(two ?? '')
        await coffre.close()
      }
    })

    test('are encrypted again, to and fro, while others use them, and no use fails', async (t) => {
      const place = await make(t)
      const [first, second] = [Fernet.generateKey(), Fernet.generateKey()]
      let coffre = await open(t, place, first)
      const keys = await fill(coffre, 120)
      await coffre.close()
      coffre = await open(t, place, `${second},${first}`)
      let uses = 0
      let isOver = false
      const load = async () => {
        const users = [...keys]
        while (!isOver) {
          const [user, key] = users[uses % users.length] ?? ['', '']
          assert.equal(await read(coffre, user), key)
          uses += 1
        }
      }
      const loads = [load(), load()]
      const told: number[] = []
      const toSecond = await coffre.apiKeys.rotateWrapping({ tell: (done) => told.push(done) })
      assert.deepEqual(toSecond, { form: 'fernet', rotated: 120, unreadable: 0 })
      assert.ok(told.length >= 2 && told.includes(120))
      const toOwn = await coffre.apiKeys.rotateWrapping({ to: 'own' })
      assert.deepEqual(toOwn, { form: 'own', rotated: 120, unreadable: 0 })
      const newer = await coffre.apiKeys.rotateWrapping({ to: 'own' })
      assert.deepEqual(newer, { form: 'own', rotated: 120, unreadable: 0 })
      const back = await coffre.apiKeys.rotateWrapping()
      assert.deepEqual(back, { form: 'fernet', rotated: 120, unreadable: 0 })
      isOver = true
      await Promise.all(loads)
      assert.ok(uses >= 20, `${uses} uses`)
      await coffre.close()
      // The old key is not needed any more.
      coffre = await open(t, place, second)
      await requireAll(coffre, keys)
      t.diagnostic(`${uses} uses during four rotations of 120 keys`)
    })

    test('that are stored while a rotation runs stay, whichever comes first', async (t) => {
      const place = await make(t)
      const coffre = await open(t, place)
      const keys = await fill(coffre, 60)
      const setting = [...keys.keys()].map(async (user) => {
        await coffre.apiKeys.set({ user, apiKey: `new ${user}` })
        keys.set(user, `new ${user}`)
      })
      await Promise.all([coffre.apiKeys.rotateWrapping(), ...setting])
      await coffre.apiKeys.rotateWrapping()
      await requireAll(coffre, keys)
    })

    test('survive two rotations at once, and a revocation beside the sets of others', async (t) => {
      const place = await make(t)
      const coffre = await open(t, place)
      const keys = await fill(coffre, 8)
      for (let round = 0; round < 3; round += 1) {
        await Promise.all([1, 2, 3].map(() => coffre.apiKeys.rotateWrapping({ to: 'own' })))
        await requireAll(coffre, keys)
      }
      const stored = async () => {
        const users = [...keys.keys()]
        const setting = users.map((user) => coffre.apiKeys.set({ user, apiKey: `new ${user}` }))
        await Promise.all([...setting, coffre.apiKeys.revokeAll()])
        // Each was stored before the revocation, and is gone, or after it, and opens.
        for (const user of users) {
          const { status } = await coffre.apiKeys.get(user)
          assert.ok(status === 'ok' || status === 'none', status)
        }
      }
      await stored()
    })

    test('that are stored under FERNET_SECRET_KEY while everything moves to Coffre’s own keep it known', async (t) => {
      const place = await make(t)
      const fernet = Fernet.generateKey()
      const http = { host: '127.0.0.1', port: 0, logLevel: 'silent', environment: {} }
      let coffre = await open(t, place, fernet)
      const keys = await fill(coffre, 8)
      for (let round = 0; round < 3; round += 1) {
        const setting: Promise<unknown>[] = []
        const tell = () => {
          const user = [...keys.keys()][round] ?? ''
          setting.push(coffre.apiKeys.set({ user, apiKey: keys.get(user) ?? '' }))
        }
        await coffre.apiKeys.rotateWrapping({ to: 'own', tell: round < 2 ? tell : () => undefined })
        await Promise.all(setting)
        const rows = await place.query("select 1 from users where api_key_encrypted like 'gAAAAA%'")
        await requireAll(coffre, keys)
        await coffre.close()
        const started = serve({ ...place.options, ...http })
        if (rows.length > 0) await assert.rejects(started, failsWith('CONFIG_REFUSED'))
        else await (await started).close()
        coffre = await open(t, place, fernet)
      }
    })

    test('are all revoked at once; their users are told, and the old Fernet key never encrypts again', async (t) => {
      const place = await make(t)
      const fernet = Fernet.generateKey()
      const coffre = await open(t, place, fernet)
      const [user = ''] = [...(await fill(coffre, 3)).keys()]
      assert.deepEqual(await coffre.apiKeys.revokeAll(), { revoked: 3 })
      await assert.rejects(read(coffre, user), failsWith('API_KEY_REQUIRED'))
      assert.deepEqual(await place.query('select 1 from users where api_key_encrypted is not null'), [])
      assert.equal((await coffre.apiKeys.set({ user, apiKey: KEY })).form, 'own')
      await assert.rejects(coffre.apiKeys.rotateWrapping({ to: 'fernet' }), failsWith('CONFIG_REFUSED'))
      await coffre.close()
      const http = { host: '127.0.0.1', port: 0, logLevel: 'silent' }
      const started = (key: string) =>
        serve({ ...place.options, ...http, environment: { FERNET_SECRET_KEY: key } })
      await assert.rejects(started(fernet), failsWith('CONFIG_REFUSED'))
      await (await started(Fernet.generateKey())).close()
    })

    test('keep a server and a program from starting with another FERNET_SECRET_KEY, until the old one is there again', async (t) => {
      const place = await make(t)
      const [old, other] = [Fernet.generateKey(), Fernet.generateKey()]
      const http = { host: '127.0.0.1', port: 0, logLevel: 'silent' }
      const started = (environment: Record<string, string>) =>
        serve({ ...place.options, ...http, createIfMissing: true, environment })
      await (await started({ FERNET_SECRET_KEY: other })).close()
      const coffre = await open(t, place, old)
      const keys = await fill(coffre, 2)
      await coffre.close()
      for (const environment of [{ FERNET_SECRET_KEY: other }, {}]) {
        const failed: unknown = await started(environment).catch((error: unknown) => error)
        assert.ok(failsWith('CONFIG_REFUSED')(failed))
        assert.match(JSON.stringify(failed), /put it back/)
        await assert.rejects(openCoffre({ ...place.options, environment }), failsWith('CONFIG_REFUSED'))
      }
      const developing = await started({ FERNET_SECRET_KEY: other, NODE_ENV: 'development' })
      await developing.close()
      const staged = { FERNET_SECRET_KEY: other, NODE_ENV: 'development', COFFRE_ENV: 'production' }
      await assert.rejects(started(staged), failsWith('CONFIG_REFUSED'))
      await (await started({ FERNET_SECRET_KEY: `${other},${old}` })).close()
      const both = await open(t, place, `${other},${old}`)
      await requireAll(both, keys)
      await both.apiKeys.rotateWrapping()
      await both.close()
      await (await started({ FERNET_SECRET_KEY: other })).close()
    })
  })
}

describe('use', () => {
  test('wipes the bytes when the call is over, also when it fails', async (t) => {
    const coffre = await openCoffre({ dataDir: makeFolder(t), createIfMissing: true, environment: {} })
    t.after(() => coffre.close())
    const { id } = await coffre.users.create()
    await coffre.apiKeys.set({ user: id, apiKey: KEY })
    let kept: Buffer = Buffer.alloc(0)
    const failing = coffre.apiKeys.use(id, async (key) => {
      kept = key.reveal()
      assert.equal(kept.toString(), KEY)
      throw new RangeError('provider')
    })
    await assert.rejects(failing, RangeError)
    assert.ok(kept.length > 0 && kept.every((byte) => byte === 0))
  })
})
