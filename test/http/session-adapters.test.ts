import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { Secret } from '../../src/model/secret.ts'
import { SecretSessionKeys } from '../../src/service/sessions/secret-session-keys.ts'
import { Sessions } from '../../src/service/sessions/sessions.ts'
import { APPS, type RunningApp } from './session-apps.ts'

const ORIGIN = 'https://app.example'
const FRIEND = 'https://friend.example'
const USERS = 10
/** As many as `SecretSessionKeys` keeps beside the current one. */
const ROTATIONS = 16
const folder = mkdtempSync(join(tmpdir(), 'coffre-sessions-'))
after(() => rmSync(folder, { recursive: true, force: true }))

/** A browser as far as sessions go: it keeps cookies, and says where its page is from. */
class Browser {
  readonly #url: string
  readonly cookies = new Map<string, string>()
  lastCookies: readonly string[] = []

  constructor(url: string) {
    this.#url = url
  }

  async send(method: string, path: string, options: SendOptions = {}): Promise<Response> {
    const csrf = this.cookies.get('__Host-csrf')
    const headers = {
      cookie: [...this.cookies].map((pair) => pair.join('=')).join('; '),
      ...(method === 'GET' ? {} : { origin: ORIGIN, 'content-type': 'application/json' }),
      ...(method !== 'GET' && csrf !== undefined ? { 'x-csrf-token': csrf } : {}),
      ...options.headers,
    }
    const given = Object.entries(headers).flatMap(([name, value]) => (value === null ? [] : [[name, value]]))
    const body = method === 'POST' ? { body: options.body ?? '{}' } : {}
    const answer = await fetch(`${this.#url}${path}`, { method, headers: Object.fromEntries(given), ...body })
    this.#keep(answer.headers.getSetCookie())
    return answer
  }

  async login(user: string): Promise<void> {
    const { status } = await this.send('POST', '/login', { body: JSON.stringify({ user }) })
    assert.equal(status, 204)
  }

  async user(): Promise<unknown> {
    const answer = (await (await this.send('GET', '/me')).json()) as { user: unknown }
    return answer.user
  }

  #keep(cookies: readonly string[]): void {
    this.lastCookies = cookies
    for (const cookie of cookies) {
      const [pair = ''] = cookie.split(';')
      const at = pair.indexOf('=')
      if (/Max-Age=0;/.test(cookie)) this.cookies.delete(pair.slice(0, at))
      else this.cookies.set(pair.slice(0, at), pair.slice(at + 1))
    }
  }
}

interface SendOptions {
  /** `null` leaves one out. */
  readonly headers?: Readonly<Record<string, string | null>>
  readonly body?: string
}

/** What a page elsewhere, a planted cookie or a careless client sends; and what comes of it. */
const MATRIX: readonly (readonly [
  name: string,
  make: (own: Browser, other: Browser) => readonly [method: string, path: string, options?: SendOptions],
  status: number,
])[] = [
  ['own page, right token', () => ['POST', '/notes'], 200],
  ['own page by Sec-Fetch-Site alone', () => post({ origin: null, 'sec-fetch-site': 'same-origin' }), 200],
  ['a friend’s page, right token', () => post({ origin: FRIEND, 'sec-fetch-site': 'cross-site' }), 200],
  ['no token', () => post({ 'x-csrf-token': null }), 403],
  ['an empty token', () => post({ 'x-csrf-token': '' }), 403],
  ['no cookie of the token', (own) => post({ cookie: cookiesOf(own, { '__Host-csrf': null }) }), 403],
  ['a token of another session', (_own, other) => post({ 'x-csrf-token': csrfOf(other) }), 403],
  [
    'a token of another session in the cookie as well',
    (own, other) =>
      post({ 'x-csrf-token': csrfOf(other), cookie: cookiesOf(own, { '__Host-csrf': csrfOf(other) }) }),
    403,
  ],
  [
    'naive double submit: equal texts of the attacker',
    (own) => post({ 'x-csrf-token': 'aaaa', cookie: cookiesOf(own, { '__Host-csrf': 'aaaa' }) }),
    403,
  ],
  [
    'a token with its proof changed, twice',
    (own) =>
      post({
        'x-csrf-token': `${csrfOf(own).slice(0, -1)}x`,
        cookie: cookiesOf(own, { '__Host-csrf': `${csrfOf(own).slice(0, -1)}x` }),
      }),
    403,
  ],
  [
    'two cookies of the token, one planted by a subdomain',
    (own) => post({ cookie: `__Host-csrf=planted; ${cookiesOf(own, {})}` }),
    403,
  ],
  [
    'a session planted by a subdomain with a no-break space before its name',
    (_own, other) => ['POST', '/notes', { headers: { cookie: `\u00A0${cookiesOf(other, {})}` } }],
    401,
  ],
  ['origin of another site', () => post({ origin: 'https://evil.example' }), 403],
  ['origin of a subdomain', () => post({ origin: 'https://evil.app.example' }), 403],
  ['origin that only begins like ours', () => post({ origin: `${ORIGIN}.evil.example` }), 403],
  ['our origin over http', () => post({ origin: 'http://app.example' }), 403],
  ['our origin on another port', () => post({ origin: `${ORIGIN}:8443` }), 403],
  ['origin null, of a sandboxed frame', () => post({ origin: 'null' }), 403],
  ['no origin at all', () => post({ origin: null }), 403],
  ['cross-site by Sec-Fetch-Site', () => post({ origin: null, 'sec-fetch-site': 'cross-site' }), 403],
  ['same-site by Sec-Fetch-Site', () => post({ origin: null, 'sec-fetch-site': 'same-site' }), 403],
  ['JSON as text/plain, which needs no preflight', () => post({ 'content-type': 'text/plain' }), 415],
  ['a form', () => post({ 'content-type': 'application/x-www-form-urlencoded' }), 415],
  ['a form with files', () => post({ 'content-type': 'multipart/form-data; boundary=x' }), 415],
  ['no content type', () => post({ 'content-type': '' }), 415],
  [
    'a login by a page elsewhere, into the account of the attacker',
    () => [
      'POST',
      '/login',
      { headers: { origin: 'https://evil.example', cookie: '' }, body: '{"user":"evil"}' },
    ],
    403,
  ],
  [
    'a GET of a page elsewhere, which changes nothing',
    () => ['GET', '/me', { headers: { origin: 'https://evil.example' } }],
    200,
  ],
]

function post(headers: Readonly<Record<string, string | null>>): readonly [string, string, SendOptions] {
  return ['POST', '/notes', { headers }]
}

function csrfOf(browser: Browser): string {
  return browser.cookies.get('__Host-csrf') ?? ''
}

function cookiesOf(browser: Browser, changes: Readonly<Record<string, string | null>>): string {
  return Object.entries({ ...Object.fromEntries(browser.cookies), ...changes })
    .flatMap(([name, value]) => (value === null ? [] : [`${name}=${value}`]))
    .join('; ')
}

for (const [framework, start] of Object.entries(APPS)) {
  describe(`an application on ${framework}`, () => {
    const keyFile = join(folder, `${framework.replace(':', '-')}.secret`)
    writeFileSync(keyFile, `${'first secret of this application '.repeat(2)}\n`)
    const keys = SecretSessionKeys.fromEnvironment({ SECRET_KEY_FILE: keyFile })
    const sessions = new Sessions({ keys, issuer: ORIGIN, audience: 'app' })
    let app: RunningApp
    before(async () => {
      app = await start({ sessions, origin: ORIGIN, allowedOrigins: [FRIEND] })
    })
    after(() => app.close())

    test('logs in, keeps the user, and logs out for good', async () => {
      const browser = new Browser(app.url)
      assert.equal(await browser.user(), null)
      await browser.login('marie')
      assert.equal(await browser.user(), 'marie')
      const stolen = new Map(browser.cookies)
      assert.equal((await browser.send('POST', '/logout')).status, 204)
      assert.equal(browser.cookies.size, 0)
      assert.equal(await browser.user(), null)
      for (const [name, value] of stolen) browser.cookies.set(name, value)
      assert.equal(await browser.user(), null, 'the token was revoked, not only forgotten')
    })

    test('gives cookies that only this host has, over TLS; scripts read that of CSRF alone', async () => {
      const browser = new Browser(app.url)
      await browser.login('marie')
      const flags = browser.lastCookies.map((cookie) => cookie.replace(/=[^;]*/, ''))
      assert.deepEqual(flags, [
        '__Host-session; Path=/; Max-Age=86400; HttpOnly; Secure; SameSite=Lax',
        '__Host-csrf; Path=/; Max-Age=86400; Secure; SameSite=Lax',
      ])
    })

    test('gives another id at a login and a rise in privilege, and the one before is over', async () => {
      const victim = new Browser(app.url)
      await victim.login('mallory')
      const planted = victim.cookies.get('__Host-session') ?? ''
      const thief = new Browser(app.url)
      for (const [name, value] of victim.cookies) thief.cookies.set(name, value)
      await victim.login('marie')
      assert.notEqual(victim.cookies.get('__Host-session'), planted)
      assert.equal(await thief.user(), null, 'the session before the login is over')
      const before = new Map(victim.cookies)
      assert.equal((await victim.send('POST', '/raise')).status, 200)
      assert.equal(await victim.user(), 'marie')
      const old = new Browser(app.url)
      for (const [name, value] of before) old.cookies.set(name, value)
      assert.equal(await old.user(), null)
    })

    assert.ok(MATRIX.length >= 20)
    for (const [name, make, status] of MATRIX) {
      test(`answers ${status} to: ${name}`, async () => {
        const [own, other] = [new Browser(app.url), new Browser(app.url)]
        await own.login('marie')
        await other.login('pierre')
        const answer = await own.send(...make(own, other))
        assert.equal(answer.status, status)
        if (status === 403) assert.equal(((await answer.json()) as { code: string }).code, 'CSRF_REFUSED')
      })
    }

    test('lets a friend’s page call with cookies, names it alone, and grants nothing to others', async () => {
      const ask = (origin: string) =>
        fetch(`${app.url}/notes`, {
          method: 'OPTIONS',
          headers: { origin, 'access-control-request-method': 'POST' },
        })
      const granted = await ask(FRIEND)
      assert.equal(granted.status, 204)
      assert.equal(granted.headers.get('access-control-allow-origin'), FRIEND)
      assert.equal(granted.headers.get('access-control-allow-credentials'), 'true')
      assert.match(granted.headers.get('vary') ?? '', /^accept-language, ?origin$/i)
      const refused = await ask('https://evil.example')
      assert.equal(refused.headers.get('access-control-allow-origin'), null)
      assert.equal(refused.headers.get('access-control-allow-credentials'), null)
    })

    test('gives a friend’s page the token that it cannot read from a cookie, and nobody else', async () => {
      const browser = new Browser(app.url)
      await browser.login('marie')
      const look = async (headers: Readonly<Record<string, string>>) =>
        (await browser.send('GET', '/me', { headers })).headers
      const shown = await look({ origin: FRIEND })
      const token = shown.get('x-csrf-token')
      assert.equal(token, browser.cookies.get('__Host-csrf'))
      assert.equal(shown.get('access-control-expose-headers'), 'x-csrf-token')
      assert.equal(shown.get('cache-control'), 'no-store')
      const headers = { origin: FRIEND, 'x-csrf-token': token }
      assert.equal((await browser.send('POST', '/notes', { headers })).status, 200)
      for (const other of [{ origin: 'https://evil.example' }, { origin: ORIGIN }, {}]) {
        const hidden = await look(other)
        assert.equal(hidden.get('x-csrf-token'), null)
        assert.equal(hidden.get('access-control-expose-headers'), null)
      }
      const body = JSON.stringify({ user: 'pierre' })
      const again = await browser.send('POST', '/login', { headers, body })
      assert.equal(again.headers.get('x-csrf-token'), browser.cookies.get('__Host-csrf'), 'the new one, once')
      assert.notEqual(again.headers.get('x-csrf-token'), token)
    })

    test('logs nobody out while its key rotates under load', async () => {
      const browsers = Array.from({ length: USERS }, () => new Browser(app.url))
      await Promise.all(browsers.map((browser, index) => browser.login(`user-${index}`)))
      const before = sessions.faults
      const drive = async (browser: Browser, index: number) => {
        assert.equal(await browser.user(), `user-${index}`)
        assert.equal((await browser.send('POST', '/notes')).status, 200)
      }
      for (let rotation = 0; rotation < ROTATIONS; rotation += 1) {
        const driving = Promise.all(browsers.map(drive))
        writeFileSync(keyFile, `${'another secret of this application '.repeat(2)}${rotation}\n`)
        keys.reload()
        await driving
      }
      assert.deepEqual(sessions.faults, before, 'no token was refused')
    })

    test('ends every session of a compromised key at once', async () => {
      const browser = new Browser(app.url)
      await browser.login('marie')
      writeFileSync(keyFile, 'a secret that nobody has seen before this moment\n')
      keys.reload({ keepPrevious: false })
      assert.equal(await browser.user(), null)
      assert.ok(sessions.faults.key > 0)
    })
  })
}

describe('the adapters', () => {
  const keys = new SecretSessionKeys({ current: new Secret('s'.repeat(40)) })
  const sessions = new Sessions({ keys, issuer: ORIGIN, audience: 'app' })
  const refused: readonly (readonly [string, object, string | undefined])[] = [
    ['`*` with cookies in production', { allowedOrigins: '*' }, 'production'],
    ['`*` in a list in production', { allowedOrigins: `${FRIEND}, *` }, 'production'],
    ['development cookies in production', { insecureDevelopment: true }, 'production'],
    ['an origin over http', { origin: 'http://app.example' }, undefined],
    ['an origin with a path', { origin: `${ORIGIN}/` }, undefined],
    ['an allowed origin with a wildcard', { allowedOrigins: ['https://*.example'] }, undefined],
    ['SameSite=None for nobody', { sameSite: 'none' }, undefined],
    ['a cookie name with a space', { cookie: 'a b' }, undefined],
  ]
  for (const [name, options, environment] of refused) {
    for (const [framework, start] of Object.entries(APPS)) {
      test(`refuse ${name} (${framework})`, async () => {
        const kept = process.env['NODE_ENV']
        if (environment !== undefined) process.env['NODE_ENV'] = environment
        try {
          const starting = async () => start({ sessions, origin: ORIGIN, ...options })
          await assert.rejects(starting, { code: 'CONFIG_REFUSED' })
        } finally {
          if (kept === undefined) delete process.env['NODE_ENV']
          else process.env['NODE_ENV'] = kept
        }
      })
    }
  }

  test('in development take `*` for this machine alone, with a warning, and cookies over http', async () => {
    const warnings: string[] = []
    const options = {
      allowedOrigins: '*',
      insecureDevelopment: true,
      onWarning: (text: string) => warnings.push(text),
    }
    const app = await APPS.fastify({ sessions, origin: 'http://127.0.0.1:3000', ...options })
    const grant = async (origin: string) =>
      (await fetch(`${app.url}/me`, { headers: { origin } })).headers.get('access-control-allow-origin')
    try {
      assert.equal(await grant('http://localhost:5173'), 'http://localhost:5173')
      assert.equal(await grant('https://evil.example'), null)
      assert.equal(await grant('http://localhost.evil.example'), null)
      assert.equal(warnings.length, 2)
      const login = await fetch(`${app.url}/login`, {
        method: 'POST',
        headers: { origin: 'http://127.0.0.1:3000', 'content-type': 'application/json' },
        body: '{"user":"dev"}',
      })
      assert.match(
        login.headers.getSetCookie()[0] ?? '',
        /^session=[^;]+; Path=\/; Max-Age=86400; HttpOnly; SameSite=Lax$/,
      )
    } finally {
      await app.close()
    }
  })
})
