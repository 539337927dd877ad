import assert from 'node:assert/strict'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { test, type TestContext } from 'node:test'
import { createProxy } from '../../examples/llm-proxy/proxy.ts'
import { openCoffre } from '../../src/app.ts'
import { makeFolder } from '../temporary.ts'

async function listen(t: TestContext, server: Server): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

test('the LLM proxy calls the provider with the key of each user, and with nobody’s in its place', async (t) => {
  const dataDir = makeFolder(t)
  const coffre = await openCoffre({ dataDir, createIfMissing: true, environment: {} })
  t.after(() => coffre.close())
  for (const name of ['ada', 'bob', 'eve']) await coffre.users.create({ clientId: name })
  await coffre.apiKeys.set({ user: 'ada', apiKey: 'key of ada' })
  await coffre.apiKeys.set({ user: 'bob', apiKey: 'key of bob' })
  const asked: string[] = []
  const provider = createServer((request, response) => {
    let body = ''
    request.on('data', (piece: Buffer) => (body += piece.toString()))
    request.on('end', () => {
      asked.push(`${request.headers.authorization} ${body}`)
      response.end('{"choices":[]}')
    })
  })
  const providerUrl = await listen(t, provider)
  const userOf = ({ headers }: { headers: NodeJS.Dict<string | string[]> }) => headers['cookie']?.toString()
  const url = await listen(t, createProxy({ coffre, providerUrl, userOf }))
  const columns = () => {
    const db = new DatabaseSync(join(dataDir, 'coffre.db'))
    const rows = db.prepare('select id, epoch, api_key_encrypted from users order by id').all()
    db.close()
    return JSON.stringify(rows)
  }
  const ask = async (cookie: string) => {
    const answer = await fetch(`${url}/v1/chat/completions`, {
      method: 'POST',
      headers: cookie === '' ? {} : { cookie },
      body: `{"of":"${cookie}"}`,
    })
    return [answer.status, await answer.text()] as const
  }
  const before = columns()
  assert.deepEqual(await ask('ada'), [200, '{"choices":[]}'])
  assert.equal((await ask('bob'))[0], 200)
  assert.deepEqual(asked, ['Bearer key of ada {"of":"ada"}', 'Bearer key of bob {"of":"bob"}'])
  assert.equal(columns(), before)
  const [status, text] = await ask('eve')
  assert.deepEqual([status, /API_KEY_REQUIRED.*PATCH/.test(text)], [409, true])
  assert.equal((await ask(''))[0], 401)
  const db = new DatabaseSync(join(dataDir, 'coffre.db'))
  db.exec("update users set api_key_encrypted = 'cof1.damaged' where client_id = 'bob'")
  db.close()
  assert.match((await ask('bob'))[1], /API_KEY_UNREADABLE/)
  assert.equal(asked.length, 2)
})
