import assert from 'node:assert/strict'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, test, type TestContext } from 'node:test'
import { inspect } from 'node:util'
import { fetchDocument, parseFetchUrl } from '../../../src/http/outgoing/fetch-document.ts'
import { isPublicAddress } from '../../../src/http/outgoing/public-address.ts'
import { CoffreError, type ErrorCode } from '../../../src/model/errors.ts'

const NOBODY = { allowedHosts: new Set<string>(), maximumBytes: 1_024 }

/** Every form in which an address of this machine, this network or a cloud's metadata service has been smuggled. */
const REFUSED_URLS = [
  'http://issuer.example/keys',
  'file:///etc/passwd',
  'ftp://issuer.example/keys',
  'gopher://issuer.example/',
  'data:application/json,{}',
  'javascript:1',
  'unix:/var/run/docker.sock',
  'https://',
  'https:///keys',
  'issuer.example/keys',
  'https://user@issuer.example/',
  'https://user:password@issuer.example/',
  'https://issuer.example@127.0.0.1/',
  'https://issuer.example/keys#fragment',
  'https://localhost/',
  'https://LOCALHOST/',
  'https://localhost./',
  'https://sub.localhost/',
  'https://printer.local/',
  'https://metadata.google.internal/',
  'https://router.home.arpa/',
  'https://intranet/',
  'https://127.0.0.1/',
  'https://127.1/',
  'https://127.0.1/',
  'https://2130706433/',
  'https://0x7f000001/',
  'https://0x7f.0.0.1/',
  'https://0177.0.0.1/',
  'https://017700000001/',
  'https://127.0.0.1:8250/',
  'https://127.255.255.254/',
  'https://%31%32%37.0.0.1/',
  'https://１２７.0.0.1/',
  'https://127。0。0。1/',
  'https://0/',
  'https://0.0.0.0/',
  'https://10.0.0.1/',
  'https://100.64.0.1/',
  'https://169.254.169.254/latest/meta-data/',
  'https://0xa9fea9fe/',
  'https://2852039166/',
  'https://172.16.0.1/',
  'https://172.31.255.255/',
  'https://192.168.1.1/',
  'https://192.0.0.192/',
  'https://198.18.0.1/',
  'https://224.0.0.1/',
  'https://255.255.255.255/',
  'https://[::1]/',
  'https://[::]/',
  'https://[0:0:0:0:0:0:0:1]/',
  'https://[::ffff:127.0.0.1]/',
  'https://[::ffff:7f00:1]/',
  'https://[::ffff:169.254.169.254]/',
  'https://[::127.0.0.1]/',
  'https://[64:ff9b::7f00:1]/',
  'https://[64:ff9b:1::a9fe:a9fe]/',
  'https://[2002:7f00:1::]/',
  'https://[2001:0:7f00:1::]/',
  'https://[fe80::1]/',
  'https://[fc00::1]/',
  'https://[fd00:ec2::254]/',
  'https://[ff02::1]/',
  'https://[2001:db8::1]/',
  'https://[100::1]/',
]

const refusedWith = (code: ErrorCode) => (error: unknown) => {
  assert.ok(error instanceof CoffreError, inspect(error))
  assert.equal(error.code, code, inspect(error))
  return true
}

describe('a URL of an issuer', () => {
  test('is refused in every form that leads to this machine or its networks', () => {
    assert.ok(REFUSED_URLS.length >= 60)
    for (const url of REFUSED_URLS) {
      assert.throws(() => parseFetchUrl(url, NOBODY), refusedWith('CONFIG_REFUSED'), url)
    }
  })

  test('is taken where it is https to a public host', () => {
    for (const url of [
      'https://issuer.example/keys',
      'https://8.8.8.8/',
      'https://[2606:4700::1111]/',
      'https://issuer.example:8443/',
    ]) {
      assert.equal(parseFetchUrl(url, NOBODY).protocol, 'https:')
    }
    assert.ok(!isPublicAddress('fe80::1%eth0') && !isPublicAddress('x') && isPublicAddress('1.1.1.1'))
  })

  test('is refused once its name leads to a private address, alone or among public ones', async () => {
    for (const addresses of [['127.0.0.1'], ['8.8.8.8', '10.0.0.1'], ['::ffff:10.0.0.1'], []]) {
      const rules = { ...NOBODY, resolve: () => Promise.resolve(addresses) }
      await assert.rejects(fetchDocument('https://issuer.example/', rules), refusedWith('CONFIG_REFUSED'))
    }
  })

  test('is looked up once, so a name that changes its answer gains nothing', async (t) => {
    const { port } = await startServer(t, (_request, response) => response.end('{}'))
    const answers = [['127.0.0.1'], ['169.254.169.254']]
    let asked = 0
    const resolve = () => Promise.resolve(answers[asked++] ?? [])
    const rules = { ...NOBODY, allowedHosts: new Set(['issuer.example']), resolve }
    assert.equal(await fetchDocument(`http://issuer.example:${port}/`, rules), '{}')
    assert.equal(asked, 1)
  })

  test('may be in a private network where the operator allows its host, and plain http on loopback only', async () => {
    const rules = { ...NOBODY, allowedHosts: new Set(['issuer.example']) }
    assert.equal(parseFetchUrl('http://issuer.example/', rules).protocol, 'http:')
    const away = { ...rules, resolve: () => Promise.resolve(['10.0.0.1']) }
    await assert.rejects(fetchDocument('http://issuer.example/', away), refusedWith('CONFIG_REFUSED'))
    assert.throws(() => parseFetchUrl('https://127.0.0.2/', rules), refusedWith('CONFIG_REFUSED'))
  })
})

async function startServer(
  t: TestContext,
  listener: RequestListener,
): Promise<{ port: number; url: string }> {
  const server = createServer(listener)
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  const { port } = server.address() as AddressInfo
  return { port, url: `http://127.0.0.1:${port}/keys` }
}

describe('an answer of an issuer', () => {
  const rules = { allowedHosts: new Set(['127.0.0.1']), maximumBytes: 1_024 }
  const cases: Readonly<Record<string, RequestListener>> = {
    'that redirects': (_request, response) => {
      response.writeHead(302, { location: 'http://169.254.169.254/' }).end()
    },
    'that is not 200': (_request, response) => {
      response.writeHead(404).end('{}')
    },
    'that is too long': (_request, response) => {
      response.end('x'.repeat(1_025))
    },
    'that never ends, once it is too long': (_request, response) => {
      response.write('x'.repeat(2_000))
    },
    'that is compressed': (_request, response) => {
      response.writeHead(200, { 'content-encoding': 'gzip' }).end('x')
    },
    'that breaks off': (_request, response) => {
      response.writeHead(200, { 'content-length': '100' }).write('x', () => response.destroy())
    },
  }
  for (const [name, listener] of Object.entries(cases)) {
    test(`is no document ${name}`, async (t) => {
      const { url } = await startServer(t, listener)
      await assert.rejects(fetchDocument(url, rules), refusedWith('SERVER_UNREACHABLE'))
    })
  }
})
