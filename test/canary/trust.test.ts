import assert from 'node:assert/strict'
import {
  constants,
  createPublicKey,
  generateKeyPairSync,
  publicEncrypt,
  randomBytes,
  sign,
} from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { connectCoffre } from '../../src/client/connect-coffre.ts'
import type { NewSealRequest } from '../../src/model/ceremony.ts'
import type { Coffre } from '../../src/model/coffre.ts'
import { hasCode } from '../../src/model/errors.ts'
import { Secret } from '../../src/model/secret.ts'
import { CoffreLine } from '../cli/coffre-process.ts'
import { Canaries } from './canary.ts'
import { checkFiles, listProcesses, startTraced, stop } from './traced-server.ts'

/** What opens Coffre as a whole or comes in as a key: real ones, so that each goes all the way through. */
interface Scene {
  readonly coffre: Coffre
  readonly canaries: Canaries
  /** In the order of the files. */
  readonly shares: readonly string[]
  readonly url: string
}

test('shares, passphrases, logins and imported keys leave no trace in logs, errors, metrics, files and processes', async (t) => {
  const cli = new CoffreLine(t)
  const canaries = new Canaries()
  const shares = await makeShares(cli, canaries)
  const server = await startTraced(cli.dataDir)
  t.after(() => server.child.kill('SIGKILL'))
  const token = readFileSync(join(cli.dataDir, 'first-token'), 'utf8').trim()
  // A token as a whole: its id is shown on purpose.
  canaries.add(token)
  const coffre = connectCoffre(server.url, token)
  const scene = { coffre, canaries, shares, url: server.url }
  await unsealByShares(scene, cli)
  await login(scene)
  await importKeys(scene)
  await exportKeys(scene)
  await sealAndRekey(scene)
  if (process.platform !== 'win32') canaries.requireNone('ps', listProcesses())
  const records = await coffre.audit.list({ last: 1_000 })
  assert.ok(records.some(({ action }) => action === 'key.import'))
  canaries.requireNone('the audit log', JSON.stringify(records))
  const metrics = await fetch(`${server.url}/metrics`, { headers: { authorization: `Bearer ${token}` } })
  canaries.requireNone('/metrics', await metrics.text())
  checkFiles(cli.dataDir, canaries)
  await stop(server.child)
  checkFiles(cli.dataDir, canaries)
  canaries.requireNone('the log', server.log())
  t.diagnostic(`cases: ${canaries.size} secrets`)
})

/** As text from their files, and as words from their sheets. */
async function makeShares(cli: CoffreLine, canaries: Canaries): Promise<readonly string[]> {
  const folder = cli.path('shares')
  await cli.prepare(`operator init --shares 3 --threshold 2 --shares-dir ${folder}`)
  const files = readdirSync(folder).toSorted()
  for (const [index, name] of files.entries()) {
    const sheet = cli.path(`sheet-${index}.txt`)
    const line = `operator recovery-sheet --share-file ${join(folder, name)} --out ${sheet} --yes`
    const { out, error } = await cli.ok(line)
    addSheet(canaries, readFileSync(sheet, 'utf8'))
    canaries.requireNone('the answer of recovery-sheet', out + error)
  }
  return files.map((name) => canaries.addText(readFileSync(join(folder, name), 'utf8').trim()))
}

function addSheet(canaries: Canaries, page: string): void {
  const [, numbered = ''] = page.split('As words\n\n')
  const words = numbered.match(/[a-z]{3,}/g) ?? []
  assert.ok(words.length > 20, page)
  canaries.addText(words.slice(0, 32).join(' '))
  canaries.addText(numbered.trim())
}

async function unsealByShares({ coffre, canaries, shares, url }: Scene, cli: CoffreLine): Promise<void> {
  const [first = '', second = '', third = ''] = shares
  const wrong = [`${first.slice(0, -4)}0000`, first.replace(/.$/, '!'), canaries.make()]
  for (const share of wrong) await refused(canaries, coffre.operator.unseal({ share: new Secret(share) }))
  cli.environment['COFFRE_ADDR'] = url
  const typed = readFileSync(cli.path('sheet-0.txt'), 'utf8').split('As words\n\n')[1] ?? ''
  const given = await cli.run(['unseal', '--share-file', '-', '--json'], { input: typed })
  assert.equal(given.code, 0, given.error)
  canaries.requireNone('unseal', given.out + given.error)
  await refused(canaries, coffre.operator.unseal({ share: new Secret(first) }))
  const opened = await coffre.operator.unseal({ share: new Secret(second) })
  assert.equal(opened.sealed, false)
  canaries.requireNone('the status', JSON.stringify(opened))
  const onCommandLine = await cli.run(['operator', 'unseal', third])
  assert.equal(onCommandLine.code, 2)
  canaries.requireNone('the refusal of a share among the arguments', onCommandLine.error)
}

/** A JWT that is accepted, one that is not, and one that is none. */
async function login({ coffre, canaries, url }: Scene): Promise<void> {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519')
  const jwks = JSON.stringify({ keys: [{ ...publicKey.export({ format: 'jwk' }), kid: 'one' }] })
  const claims = { issuer: 'https://ci.example', audience: 'coffre', boundClaims: { job: ['build'] } }
  await coffre.logins.createRole({ name: 'ci', method: 'jwt', jwks, role: 'app', ...claims })
  const jwtOf = (job: string) => {
    const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
    const exp = Math.floor(Date.now() / 1_000) + 600
    const header = encode({ alg: 'EdDSA', kid: 'one' })
    const body = encode({
      jti: canaries.make(),
      iss: claims.issuer,
      aud: claims.audience,
      exp,
      job,
      sub: 'ci',
    })
    const signature = sign(null, Buffer.from(`${header}.${body}`), privateKey).toString('base64url')
    return `${header}.${canaries.addText(body)}.${canaries.addText(signature)}`
  }
  const anybody = connectCoffre(url)
  const { token } = await anybody.logins.withJwt({ jwt: jwtOf('build'), role: 'ci' })
  canaries.add(token.reveal())
  await connectCoffre(url, token).tokens.whoami()
  for (const jwt of [jwtOf('other'), jwtOf('build').slice(0, -2), canaries.make().replaceAll(/[^\w]/g, '')])
    await refused(canaries, anybody.logins.withJwt({ jwt, role: 'ci' }))
}

async function importKeys({ coffre, canaries }: Scene): Promise<void> {
  const { keys } = coffre
  const raw = randomBytes(32)
  canaries.add(raw)
  await keys.importKey({ name: 'raw', algorithm: 'aes256-gcm', material: { format: 'raw', bytes: raw } })
  const signing = generateKeyPairSync('ed25519').privateKey
  const pem = signing.export({ format: 'pem', type: 'pkcs8' }).toString()
  canaries.add(Buffer.from(signing.export({ format: 'jwk' }).d ?? '', 'base64url'))
  const material = { format: 'pem', bytes: Buffer.from(pem) } as const
  await keys.importKey({ name: 'pem', algorithm: 'ed25519', exportable: true, material })
  const jwk = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ format: 'jwk' })
  canaries.add(Buffer.from(jwk.d ?? '', 'base64url'))
  const asJwk = { format: 'jwk', bytes: Buffer.from(JSON.stringify(jwk)) } as const
  await keys.importKey({ name: 'jwk', algorithm: 'ecdsa-p256', material: asJwk })
  const passphrase = canaries.make()
  const locked = signing.export({ format: 'pem', type: 'pkcs8', cipher: 'aes-256-cbc', passphrase })
  const encrypted = { format: 'pem', bytes: Buffer.from(locked), passphrase: new Secret(passphrase) } as const
  await keys.importKey({ name: 'locked', algorithm: 'ed25519', material: encrypted })
  const wrong = { ...encrypted, passphrase: new Secret(canaries.make()) }
  await refused(canaries, keys.importKey({ name: 'x', algorithm: 'ed25519', material: wrong }))
  for (const format of ['pem', 'der', 'jwk', 'raw'] as const) {
    const bytes = Buffer.from(canaries.make())
    await refused(canaries, keys.importKey({ name: 'x', algorithm: 'ed25519', material: { format, bytes } }))
  }
  await importTransported({ coffre, canaries })
}

async function importTransported({ coffre, canaries }: Pick<Scene, 'coffre' | 'canaries'>): Promise<void> {
  const { publicKey, importToken } = await coffre.keys.importParams()
  // Before the last dot is the id of the key.
  canaries.addText(importToken.split('.').at(-1) ?? '')
  const inner = randomBytes(32)
  const padding = { padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: 'sha256' }
  const bytes = publicEncrypt({ key: createPublicKey(publicKey), ...padding }, inner)
  canaries.add(inner)
  canaries.add(bytes)
  const transport = 'rsa-oaep-sha256' as const
  const material = { format: 'transported', transport, importToken, bytes } as const
  const request = { name: 'brought', algorithm: 'aes256-gcm', material } as const
  const broken = { ...material, bytes: bytes.map((byte, at) => (at === 9 ? byte ^ 1 : byte)) }
  await refused(canaries, coffre.keys.importKey({ ...request, material: broken }))
  await coffre.keys.importKey(request)
  await refused(canaries, coffre.keys.importKey({ ...request, name: 'twice' }))
}

async function exportKeys({ coffre, canaries }: Scene): Promise<void> {
  const passphrase = canaries.make()
  const target = { kind: 'passphrase', passphrase: new Secret(passphrase) } as const
  const { wrapped } = await coffre.keys.exportKey('pem', { target })
  canaries.add(wrapped)
  await refused(canaries, coffre.keys.exportKey('raw', { target }))
}

/** To a passphrase, back to other shares, sealed and unsealed in between. */
async function sealAndRekey({ coffre, canaries, shares }: Scene): Promise<void> {
  const { operator } = coffre
  const passphrase = new Secret(canaries.make())
  const toSecrets = (texts: readonly string[]) => texts.map((text) => ({ share: new Secret(text) }))
  await rekey({ coffre, canaries }, { provider: 'passphrase', passphrase }, toSecrets(shares.slice(0, 2)))
  canaries.requireNone('the answer of seal', JSON.stringify(await operator.seal()))
  await refused(canaries, operator.unseal({ passphrase: new Secret(canaries.make()) }))
  await operator.unseal({ passphrase })
  const quorum = { provider: 'shamir', shares: 3, threshold: 2 } as const
  const made = await rekey({ coffre, canaries }, quorum, [{ passphrase }])
  assert.equal(made.length, 3)
  await operator.seal()
  for (const share of made.slice(1)) await operator.unseal({ share })
  await operator.ceremonies.begin({ kind: 'rotate-root' })
  for (const share of made.slice(1)) await operator.ceremonies.takeOver({ share })
  // Last, because an address with many wrong secrets is slowed down.
  const { nonce } = await operator.ceremonies.begin({ kind: 'rotate-root' })
  await refused(canaries, operator.ceremonies.give({ nonce, share: new Secret(shares[0] ?? '') }))
}

async function rekey(
  { coffre, canaries }: Pick<Scene, 'coffre' | 'canaries'>,
  seal: NewSealRequest,
  secrets: readonly { readonly share?: Secret; readonly passphrase?: Secret }[],
): Promise<readonly Secret[]> {
  const { ceremonies } = coffre.operator
  const { nonce } = await ceremonies.begin({ kind: 'rekey', seal })
  canaries.addText(nonce)
  for (const secret of secrets) {
    const view = await ceremonies.give({ nonce, ...secret })
    canaries.requireNone('a ceremony', JSON.stringify(view))
  }
  if (seal.provider !== 'shamir') return []
  const { shares, ...view } = await ceremonies.collect({ nonce })
  for (const share of shares) canaries.addText(share.reveal())
  canaries.requireNone('a ceremony', JSON.stringify(view))
  // Verified by a quorum of the new ones.
  for (const share of shares.slice(0, seal.threshold)) await ceremonies.give({ nonce, share })
  return shares
}

async function refused(canaries: Canaries, asked: Promise<unknown>): Promise<void> {
  const error: unknown = await asked.then(
    () => assert.fail('it was not refused'),
    (reason: unknown) => reason,
  )
  assert.ok(!hasCode(error, 'INTERNAL'), String(error))
  canaries.requireNone('an error', JSON.stringify(error) + String(error) + String((error as Error).stack))
}
