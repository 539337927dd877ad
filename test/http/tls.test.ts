import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import {
  chmodSync,
  copyFileSync,
  readFileSync,
  renameSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { describe, test, type TestContext } from 'node:test'
import { connect } from 'node:tls'
import { serve, type ServeOptions } from '../../src/app.ts'
import { connectCoffre } from '../../src/client/connect-coffre.ts'
import { TlsListener } from '../../src/http/tls/tls-listener.ts'
import { toInstant } from '../../src/model/clock.ts'
import { CoffreError } from '../../src/model/errors.ts'
import { makeFolder } from '../temporary.ts'
import { Authority, type Issued, withoutOpenssl } from './certificates.ts'

const skip = withoutOpenssl
const clock = () => toInstant(Date.now())

interface Scene {
  readonly folder: string
  readonly authority: Authority
  readonly pair: Issued
}

function makeScene(t: TestContext): Scene {
  const folder = makeFolder(t)
  const authority = new Authority(folder)
  return { folder, authority, pair: authority.issue('server') }
}

async function startTls(t: TestContext, scene: Scene, options: Partial<ServeOptions> = {}) {
  const dataDir = makeFolder(t)
  const defaults = { createIfMissing: true, host: '127.0.0.1', port: 0, logLevel: 'silent', tls: scene.pair }
  const server = await serve({ ...defaults, ...options, dataDir })
  t.after(() => server.close())
  const token = readFileSync(server.firstTokenFile, 'utf8').trim()
  return { server, token, port: Number(new URL(server.url).port) }
}

interface Ran {
  readonly code: number | null
  readonly text: string
}

function run(program: string, args: readonly string[]): Promise<Ran> {
  const child: ChildProcess = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] })
  const pieces: Buffer[] = []
  child.stdout?.on('data', (piece: Buffer) => pieces.push(piece))
  child.stderr?.on('data', (piece: Buffer) => pieces.push(piece))
  return new Promise((done) => {
    child.on('close', (code) => done({ code, text: Buffer.concat(pieces).toString() }))
  })
}

function dial(port: number, scene: Scene, ...args: readonly string[]): Promise<Ran> {
  const target = ['-connect', `127.0.0.1:${port}`, '-CAfile', scene.authority.certificateFile]
  return run('openssl', ['s_client', ...target, '-verify_return_error', ...args])
}

/** The serial of the certificate that the server shows now. */
function servedSerial(port: number, scene: Scene): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1', ca: scene.authority.certificate }, () => {
      resolve(socket.getPeerCertificate().serialNumber)
      socket.destroy()
    })
    socket.on('error', reject)
  })
}

const refusal = (setting: string) => (error: unknown) => {
  assert.ok(error instanceof CoffreError)
  assert.equal(error.code, 'CONFIG_REFUSED')
  assert.ok(setting in error.facts, JSON.stringify(error.facts))
  return true
}

describe('a server with a certificate', { skip }, () => {
  test('speaks TLS 1.2 and 1.3, and nothing older', async (t) => {
    const scene = makeScene(t)
    const { port } = await startTls(t, scene)
    for (const [flag, version] of [
      ['-tls1_2', 'TLSv1.2'],
      ['-tls1_3', 'TLSv1.3'],
    ] as const) {
      const { code, text } = await dial(port, scene, flag, '-alpn', 'h2,http/1.1')
      assert.equal(code, 0, text)
      assert.match(text, new RegExp(`New, ${version}`))
      assert.match(text, /ALPN protocol: http\/1\.1/)
    }
    // The client lowers its own guard, so that the refusal is the server's.
    for (const flag of ['-tls1_1', '-tls1']) {
      const { code, text } = await dial(port, scene, flag, '-cipher', 'ALL:@SECLEVEL=0')
      assert.notEqual(code, 0)
      assert.match(text, /alert protocol version/)
    }
  })

  test('agrees only on ciphers with forward secrecy and authentication', async (t) => {
    const scene = makeScene(t)
    const { port } = await startTls(t, scene)
    for (const cipher of [
      'AES256-GCM-SHA384',
      'ECDHE-ECDSA-AES256-SHA384',
      'ECDHE-ECDSA-AES128-SHA',
      'DHE-RSA-AES256-GCM-SHA384',
    ]) {
      const { code, text } = await dial(port, scene, '-tls1_2', '-cipher', `${cipher}:@SECLEVEL=0`)
      assert.notEqual(code, 0, cipher)
      assert.match(text, /alert handshake failure|no cipher/i)
    }
    const good = await dial(port, scene, '-tls1_2', '-cipher', 'ECDHE-ECDSA-AES128-GCM-SHA256')
    assert.match(good.text, /Cipher is ECDHE-ECDSA-AES128-GCM-SHA256/)
  })

  test('hands out no session ticket', async (t) => {
    const scene = makeScene(t)
    const { port } = await startTls(t, scene)
    const { text } = await dial(port, scene, '-tls1_2')
    assert.match(text, /Cipher is ECDHE/)
    assert.doesNotMatch(text, /TLS session ticket/)
  })

  test('speaks TLS 1.3 only where that is the minimum', async (t) => {
    const scene = makeScene(t)
    const { port } = await startTls(t, scene, { tls: { ...scene.pair, minimumVersion: '1.3' } })
    assert.match((await dial(port, scene, '-tls1_2')).text, /alert protocol version/)
    assert.equal((await dial(port, scene, '-tls1_3')).code, 0)
  })

  test('answers curl, which checks its name and its CA', async (t) => {
    const scene = makeScene(t)
    const { server } = await startTls(t, scene)
    const ask = (...args: readonly string[]) =>
      run('curl', ['-sS', '-i', ...args, `${server.url}/api/v1/status`])
    const good = await ask('--cacert', scene.authority.certificateFile)
    assert.equal(good.code, 0, good.text)
    assert.match(good.text, /^HTTP\/1\.1 200/)
    assert.match(good.text, /strict-transport-security: max-age=31536000/)
    assert.match(good.text, /"sealed":false/)
    assert.equal((await ask()).code, 60) // CURLE_PEER_FAILED_VERIFICATION
    const plain = await run('curl', ['-sS', server.url.replace('https:', 'http:')])
    assert.notEqual(plain.code, 0)
  })

  test('listens beyond this machine without COFFRE_ALLOW_REMOTE', async (t) => {
    const scene = makeScene(t)
    const { server } = await startTls(t, scene, { host: '0.0.0.0' })
    assert.match(server.url, /^https:/)
  })

  test('tells when its certificate ends', async (t) => {
    const scene = makeScene(t)
    const { server } = await startTls(t, scene)
    const { text } = await run('curl', [
      '-sS',
      '--cacert',
      scene.authority.certificateFile,
      `${server.url}/metrics`,
    ])
    const seconds = Number(/coffre_tls_certificate_not_after_seconds ([\d.e+]+)/.exec(text)?.[1])
    const days = (seconds - Date.now() / 1_000) / 86_400
    assert.ok(days > 28 && days < 31, String(days))
  })

  test('is refused with a key that others can read, that is another’s, encrypted, or no key', async (t) => {
    const scene = makeScene(t)
    const { pair, authority, folder } = scene
    const open = (tls: Partial<Issued>) => TlsListener.open({ files: { ...pair, ...tls }, clock })
    chmodSync(pair.keyFile, 0o640)
    await assert.rejects(open({}), refusal('COFFRE_TLS_KEY'))
    chmodSync(pair.keyFile, 0o600)
    const other = authority.issue('other')
    await assert.rejects(open({ keyFile: other.keyFile }), refusal('COFFRE_TLS_KEY'))
    const encrypted = join(folder, 'encrypted.key')
    await run('openssl', ['pkcs8', '-topk8', '-in', pair.keyFile, '-passout', 'pass:x', '-out', encrypted])
    chmodSync(encrypted, 0o600)
    await assert.rejects(open({ keyFile: encrypted }), refusal('COFFRE_TLS_KEY'))
    writeFileSync(join(folder, 'text'), 'no PEM at all', { mode: 0o600 })
    await assert.rejects(open({ keyFile: join(folder, 'text') }), refusal('COFFRE_TLS_KEY'))
    await assert.rejects(open({ certificateFile: join(folder, 'text') }), refusal('COFFRE_TLS_CERT'))
    await assert.rejects(open({ certificateFile: join(folder, 'absent') }), refusal('COFFRE_TLS_CERT'))
    await assert.rejects(open({ certificateFile: folder }), refusal('COFFRE_TLS_CERT'))
    writeFileSync(join(folder, 'long'), Buffer.alloc(256 * 1024 + 1), { mode: 0o600 })
    await assert.rejects(open({ certificateFile: join(folder, 'long') }), refusal('COFFRE_TLS_CERT'))
  })

  test('is refused with a short RSA key', async (t) => {
    const { folder } = makeScene(t)
    const [keyFile, certificateFile] = [join(folder, 'short.key'), join(folder, 'short.crt')]
    const request = ['req', '-x509', '-newkey', 'rsa:1024', '-nodes', '-subj', '/CN=short', '-days', '1']
    await run('openssl', [...request, '-keyout', keyFile, '-out', certificateFile])
    chmodSync(keyFile, 0o600)
    await assert.rejects(
      TlsListener.open({ files: { keyFile, certificateFile }, clock }),
      refusal('COFFRE_TLS_CERT'),
    )
  })
})

describe('TLS files that change', { skip }, () => {
  test('are served to new connections, without a restart and without dropping the old ones', async (t) => {
    const scene = makeScene(t)
    const { server, token, port } = await startTls(t, scene)
    const coffre = connectCoffre(server.url, token, { tls: { ca: scene.authority.certificate } })
    t.after(() => coffre.close())
    await coffre.keys.create({ name: 'k' })
    const before = await servedSerial(port, scene)
    const next = scene.authority.issue('next')
    renameSync(next.certificateFile, scene.pair.certificateFile)
    renameSync(next.keyFile, scene.pair.keyFile)
    let after = before
    while (after === before) after = await servedSerial(port, scene)
    assert.equal((await coffre.keys.list()).length, 1)
  })

  test('are read through the links of certbot and Kubernetes', async (t) => {
    const scene = makeScene(t)
    const { folder, authority, pair } = scene
    const link = { certificateFile: join(folder, 'live.crt'), keyFile: join(folder, 'live.key') }
    const point = ({ certificateFile, keyFile }: Issued) => {
      for (const [from, to] of [
        [certificateFile, link.certificateFile],
        [keyFile, link.keyFile],
      ] as const) {
        symlinkSync(from, `${to}.new`)
        renameSync(`${to}.new`, to)
      }
    }
    point(pair)
    const listener = await TlsListener.open({ files: link, clock })
    const { serial } = listener.certificate
    assert.equal(await listener.reload(), 'unchanged')
    point(authority.issue('next'))
    assert.equal(await listener.reload(), 'reloaded')
    assert.notEqual(listener.certificate.serial, serial)
  })

  test('that are not good leave the old pair in place, with one log line that says why', async (t) => {
    const scene = makeScene(t)
    const { folder, authority, pair } = scene
    const listener = await TlsListener.open({ files: pair, clock })
    const lines: string[] = []
    const note = (facts: object, text: string) => void lines.push(`${text} ${JSON.stringify(facts)}`)
    listener.start({ info: note, warn: note })
    listener.stop()
    const { serial } = listener.certificate
    const kept = async (setting: string) => {
      assert.equal(await listener.reload(), 'kept')
      assert.equal(await listener.reload(), 'unchanged')
      assert.equal(listener.certificate.serial, serial)
      assert.match(lines.at(-1) ?? '', new RegExp(`${setting}.*`))
    }
    const safe = join(folder, 'safe.crt')
    copyFileSync(pair.certificateFile, safe)

    writeFileSync(pair.certificateFile, readFileSync(pair.certificateFile).subarray(0, 300))
    await kept('COFFRE_TLS_CERT')
    copyFileSync(authority.issue('other').certificateFile, pair.certificateFile)
    await kept('COFFRE_TLS_KEY')
    unlinkSync(pair.certificateFile)
    await kept('COFFRE_TLS_CERT')
    copyFileSync(safe, pair.certificateFile)
    chmodSync(pair.keyFile, 0o644)
    await kept('COFFRE_TLS_KEY')
    const old = authority.issue('old', { from: '20200101000000Z', to: '20200201000000Z' })
    renameSync(old.certificateFile, pair.certificateFile)
    renameSync(old.keyFile, pair.keyFile)
    await kept('COFFRE_TLS_CERT.*valid now')
    assert.equal(lines.length, 5)

    const good = authority.issue('good')
    renameSync(good.certificateFile, pair.certificateFile)
    renameSync(good.keyFile, pair.keyFile)
    assert.equal(await listener.reload(), 'reloaded')
  })

  test('are said to be over where they are at the start, and served all the same', async (t) => {
    const { authority } = makeScene(t)
    const old = authority.issue('old', { from: '20200101000000Z', to: '20200201000000Z' })
    const listener = await TlsListener.open({ files: old, clock })
    const warnings: string[] = []
    listener.start({ info: () => undefined, warn: (_facts, text) => void warnings.push(text) })
    listener.stop()
    assert.deepEqual(warnings, ['the TLS certificate is not valid now'])
  })
})

describe('a client over https', { skip }, () => {
  test('works with the CA that it was given, and with every operation', async (t) => {
    const scene = makeScene(t)
    const { server, token } = await startTls(t, scene)
    const coffre = connectCoffre(server.url, token, { tls: { ca: scene.authority.certificate } })
    t.after(() => coffre.close())
    await coffre.keys.create({ name: 'k' })
    const { ciphertext } = await coffre.encrypt({ key: 'k', plaintext: 'é'.repeat(100_000) })
    assert.equal(
      Buffer.from((await coffre.decrypt({ ciphertext })).plaintext).toString(),
      'é'.repeat(100_000),
    )
    const { id } = await coffre.tokens.create({ name: 'a', role: 'app' })
    await coffre.tokens.revoke(id) // 204: an answer without a body
    await assert.rejects(coffre.keys.get('absent'), { code: 'KEY_NOT_FOUND' })
  })

  test('says what is missing where the CA is unknown, and never goes on', async (t) => {
    const scene = makeScene(t)
    const { server, token } = await startTls(t, scene)
    const stranger = connectCoffre(server.url, token)
    await assert.rejects(stranger.keys.list(), (error: unknown) => {
      assert.ok(error instanceof CoffreError)
      assert.deepEqual([error.code, error.facts['setting']], ['SERVER_UNREACHABLE', 'COFFRE_CACERT'])
      return true
    })
  })

  test('refuses a server of another name, whatever NODE_TLS_REJECT_UNAUTHORIZED says', async (t) => {
    const scene = makeScene(t)
    const pair = scene.authority.issue('elsewhere', { extensions: ['subjectAltName=DNS:elsewhere.example'] })
    const { server, token } = await startTls(t, scene, { tls: pair })
    process.env['NODE_TLS_REJECT_UNAUTHORIZED'] = '0'
    t.after(() => delete process.env['NODE_TLS_REJECT_UNAUTHORIZED'])
    const coffre = connectCoffre(server.url, token, { tls: { ca: scene.authority.certificate } })
    await assert.rejects(coffre.keys.list(), (error: unknown) => {
      assert.ok(error instanceof CoffreError)
      assert.equal(error.facts['reason'], 'ERR_TLS_CERT_ALTNAME_INVALID')
      return true
    })
  })

  test('gives up on a server that never answers', async (t) => {
    const silent = createServer(() => undefined)
    await new Promise<void>((done) => silent.listen(0, '127.0.0.1', done))
    t.after(() => silent.close())
    const address = silent.address()
    assert.ok(typeof address === 'object' && address !== null)
    const coffre = connectCoffre(`https://127.0.0.1:${address.port}`, 'x', { timeoutMilliseconds: 200 })
    await assert.rejects(coffre.keys.list(), (error: unknown) => {
      assert.ok(error instanceof CoffreError)
      assert.deepEqual([error.code, error.facts['reason']], ['SERVER_UNREACHABLE', 'timeout'])
      return true
    })
  })
})
