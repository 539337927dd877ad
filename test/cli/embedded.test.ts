import assert from 'node:assert/strict'
import { createPublicKey, verify } from 'node:crypto'
import { readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { CoffreLine, CoffreProcess } from './coffre-process.ts'

describe('a Coffre in a data folder', { concurrency: 2 }, () => {
  test('init makes it once and shows the first token only when asked', async (t) => {
    const cli = new CoffreProcess(t)
    const absent = await cli.run(['status'])
    assert.equal(absent.code, 1)
    assert.match(absent.error, /NOT_INITIALISED/)
    const made = await cli.ok('init')
    assert.equal(made.out, '')
    assert.match(made.error, /first-token/)
    const token = readFileSync(join(cli.dataDir, 'first-token'), 'utf8').trim()
    assert.equal(statSync(join(cli.dataDir, 'first-token')).mode & 0o777, 0o600)
    assert.ok(!made.error.includes(token))
    const again = await cli.run(['init'])
    assert.equal(again.code, 2)
    assert.match(again.error, /ALREADY_INITIALISED/)
    const other = await cli.json('init --data-dir other --show-token')
    assert.equal(other['firstToken'], readFileSync(join(cli.folder, 'other/first-token'), 'utf8').trim())
    const status = await cli.json('status')
    assert.equal(status['sealed'], false)
    assert.equal(status['sealProvider'], 'file')
  })

  test('keys are created, listed, shown, changed and moved through their life', async (t) => {
    const cli = new CoffreLine(t)
    await cli.ok('init')
    const created = await cli.json('key create invoices --owner billing --tag team=a --security-level high')
    assert.equal(created['name'], 'invoices')
    assert.deepEqual(created['tags'], { team: 'a' })
    assert.equal((await cli.run(['key', 'create', 'invoices'])).code, 2)
    const updated = await cli.json('key update invoices --environment production --clear-tags')
    assert.deepEqual(
      [updated['environment'], updated['tags'], updated['owner']],
      ['production', {}, 'billing'],
    )
    assert.equal((await cli.json('key rotate invoices'))['currentVersion'], 2)
    assert.equal((await cli.json('key rollback invoices'))['currentVersion'], 1)
    assert.equal((await cli.json('key rotate invoices'))['currentVersion'], 3)
    assert.equal((await cli.json('key suspend invoices'))['currentVersion'], undefined)
    assert.equal((await cli.json('key resume invoices'))['currentVersion'], 3)
    assert.equal((await cli.json('key deactivate invoices'))['currentVersion'], undefined)
    assert.equal((await cli.json('key rotate invoices'))['currentVersion'], 4)
    assert.equal((await cli.json('key floor invoices 3'))['floor'], 3)
    const destroyed = await cli.json('key destroy invoices 1 --yes')
    assert.deepEqual(stateOf(destroyed, 1), 'destroyed')
    const compromised = await cli.json('key compromise invoices 2 -y')
    assert.deepEqual(stateOf(compromised, 2), 'compromised')
    assert.match(String((await cli.json('key schedule-destroy invoices --days 7 -y'))['destroyAt']), /^2/)
    assert.equal((await cli.run(['key', 'rotate', 'invoices'])).code, 4)
    assert.equal((await cli.json('key cancel-destroy invoices'))['destroyAt'], undefined)
    const shown = await cli.ok('key show invoices')
    for (const word of ['invoices', 'production', 'destroyed', 'compromised'])
      assert.ok(shown.out.includes(word))
    assert.equal(shown.error, '')
    const { keys } = (await cli.json('key list')) as { keys: { name: string }[] }
    assert.deepEqual(
      keys.map((key) => key.name),
      ['invoices'],
    )
  })

  test('bytes come back as they went in, through standard input and through files', async (t) => {
    const cli = new CoffreProcess(t)
    await cli.prepare('init', 'key create invoices', 'key create other')
    const plaintext = Buffer.from([0, 10, 13, 255, 0x1b, 10])
    const { out } = await cli.ok('encrypt invoices --context row=7', { input: plaintext })
    assert.match(out, /^cof1[A-Za-z0-9_-]+\n$/)
    const back = await cli.ok('decrypt --context row=7', { input: out })
    assert.deepEqual(back.bytes, plaintext)
    assert.equal(back.error, '')
    const wrong = await cli.run(['decrypt'], { input: out })
    assert.equal(wrong.code, 3)
    assert.equal(wrong.out, '')
    await cli.prepare('key rotate invoices')
    const moved = await cli.json('rewrap --context row=7 --to-key other --to-context row=8', { input: out })
    assert.equal(moved['key'], 'other')
    const read = await cli.json('decrypt --context row=8', { input: String(moved['ciphertext']) })
    assert.equal(read['plaintext'], plaintext.toString('base64'))
    writeFileSync(join(cli.folder, 'plain'), plaintext)
    const written = await cli.ok('encrypt invoices --in plain --out sealed')
    assert.equal(written.out, '')
    assert.equal(statSync(join(cli.folder, 'sealed')).mode & 0o777, 0o600)
    const kept = await cli.run(['decrypt', '--in', 'sealed', '--out', 'plain'])
    assert.equal(kept.code, 2)
    await cli.ok('decrypt --in sealed --out plain --force')
    assert.deepEqual(readFileSync(join(cli.folder, 'plain')), plaintext)
  })

  test('a signature verifies here and with the public key elsewhere', async (t) => {
    const cli = new CoffreLine(t)
    await cli.ok('init')
    const key = (await cli.json('key create signer --algorithm ed25519')) as {
      versions: { publicKey: string }[]
    }
    const { out } = await cli.ok('sign signer', { input: 'message' })
    const publicKey = createPublicKey(key.versions[0]!.publicKey)
    assert.ok(verify(null, Buffer.from('message'), publicKey, Buffer.from(out, 'base64')))
    const signature = out.trim()
    const valid = await cli.json(`verify signer --signature ${signature}`, { input: 'message' })
    assert.deepEqual(valid, { key: 'signer', version: 1 })
    const wrong = await cli.run(['verify', 'signer', '--signature', signature], { input: 'massage' })
    assert.equal(wrong.code, 3)
    await cli.ok(`sign signer --raw --out ${cli.path('sig')}`, { input: 'message' })
    await cli.ok(`verify signer --raw --signature-file ${cli.path('sig')} --key-version 1`, {
      input: 'message',
    })
    assert.equal((await cli.run(['verify', 'signer'], { input: 'message' })).code, 2)
  })

  test('a MAC verifies, and only over its own message', async (t) => {
    const cli = new CoffreLine(t)
    await cli.ok('init')
    await cli.ok('key create webhook --algorithm hmac-sha256')
    const { mac } = await cli.json('mac create webhook', { input: 'message' })
    writeFileSync(join(cli.folder, 'mac'), `${String(mac)}\n`)
    await cli.ok(`mac verify webhook --mac-file ${cli.folder}/mac`, { input: 'message' })
    const wrong = await cli.run(['mac', 'verify', 'webhook', '--mac', String(mac)], { input: 'other' })
    assert.equal(wrong.code, 3)
    assert.match(wrong.error, /SIGNATURE_INVALID/)
  })

  test('a data key opens from its ciphertext, and its plaintext can stay off standard output', async (t) => {
    const cli = new CoffreLine(t)
    await cli.ok('init')
    await cli.ok('key create invoices')
    const [ciphertext, plaintext] = (await cli.ok('data-key generate invoices --bytes 16')).out.split('\n')
    const opened = await cli.json('decrypt', { input: ciphertext ?? '' })
    assert.equal(opened['plaintext'], plaintext)
    const split = await cli.ok(`data-key generate invoices --plaintext-out ${cli.path('secret')}`)
    assert.equal(split.out.trim().split('\n').length, 1)
    const secret = readFileSync(join(cli.folder, 'secret'))
    assert.equal(secret.length, 32)
    assert.deepEqual((await cli.ok('decrypt', { input: split.out })).bytes, secret)
    const bare = await cli.json('data-key generate invoices --ciphertext-only')
    assert.equal(bare['plaintext'], undefined)
  })

  test('two keys derive the same from each other', async (t) => {
    const cli = new CoffreLine(t)
    await cli.prepare('init')
    const derive = async (own: string, peer: string) => {
      const { out } = await cli.ok(`derive-key ${own} --peer ${cli.path(peer)} --info session --bytes 16`)
      return out
    }
    for (const name of ['anna', 'bert']) {
      const key = (await cli.json(`key create ${name} --algorithm x25519`)) as {
        versions: { publicKey: string }[]
      }
      writeFileSync(cli.path(name), key.versions[0]!.publicKey)
    }
    const derived = await derive('anna', 'bert')
    assert.equal(Buffer.from(derived, 'base64').length, 16)
    assert.equal(await derive('bert', 'anna'), derived)
  })

  test('random gives as many bytes as asked, in the form asked', async (t) => {
    const cli = new CoffreLine(t)
    await cli.ok('init')
    assert.equal(Buffer.from((await cli.ok('random')).out, 'base64').length, 32)
    assert.match((await cli.ok('random --bytes 4 --hex')).out, /^[0-9a-f]{8}\n$/)
    assert.equal((await cli.ok('random --bytes 300 --raw')).bytes.length, 300)
    assert.equal((await cli.run(['random', '--bytes', '65537'])).code, 2)
  })

  test('inspect tells a ciphertext from a Fernet token', async (t) => {
    const cli = new CoffreLine(t)
    await cli.ok('init')
    await cli.ok('key create invoices')
    await cli.ok('key create sessions --algorithm fernet')
    const own = await cli.ok('encrypt invoices', { input: 'x' })
    const found = await cli.json('inspect', { input: own.out })
    assert.deepEqual([found['format'], found['key'], found['version']], ['coffre-ciphertext', 'invoices', 1])
    const fernet = await cli.ok('encrypt sessions', { input: 'x' })
    const shown = await cli.ok('inspect', { input: fernet.out })
    assert.match(shown.out, /fernet/)
    assert.equal((await cli.ok('decrypt sessions', { input: fernet.out })).out, 'x')
  })

  test('tokens are created, listed without their text and revoked', async (t) => {
    const cli = new CoffreLine(t)
    await cli.ok('init')
    const created = await cli.ok('token create shop --role app --ttl-seconds 3600')
    const token = created.out.trim()
    assert.match(token, /^coffre_/)
    assert.ok(!created.error.includes(token))
    const { tokens } = (await cli.json('token list')) as { tokens: { id: string; name: string }[] }
    const shop = tokens.find((each) => each.name === 'shop')
    assert.ok(shop !== undefined)
    const listed = await cli.ok('token list')
    assert.ok(!listed.out.includes(token))
    assert.deepEqual(await cli.json(`token revoke ${shop.id}`), { id: shop.id, revoked: true })
    assert.match((await cli.ok('token list')).out, /revoked/)
    assert.equal((await cli.run(['token', 'revoke', 'zzzzzzzzzz'])).code, 4)
    assert.equal((await cli.run(['token', 'create', 'shop'])).code, 2)
  })

  test('the audit log holds what was done and verifies', async (t) => {
    const cli = new CoffreLine(t)
    await cli.ok('init')
    await cli.ok('key create invoices')
    await cli.ok('encrypt invoices', { input: 'canary-plaintext' })
    const { records } = (await cli.json('audit list')) as { records: { action: string; body: string }[] }
    const actions = records.map((record) => record.action)
    for (const action of ['coffre.init', 'key.create', 'data.encrypt']) assert.ok(actions.includes(action))
    assert.ok(!JSON.stringify(records).includes('canary'))
    const newest = (await cli.json('audit list --last 2')) as { records: { index: number }[] }
    assert.deepEqual(
      newest.records.map(({ index }) => index),
      [records.length - 2, records.length - 1],
    )
    const paged = (await cli.json('audit list --from 1 --limit 1')) as { records: { index: number }[] }
    assert.deepEqual(
      paged.records.map((record) => record.index),
      [1],
    )
    const verified = await cli.json('audit log verify')
    assert.equal(verified['valid'], true)
    assert.match((await cli.ok('audit log verify')).out, /intact/)
  })

  test('selftest names every test and passes', async (t) => {
    const cli = new CoffreLine(t)
    const { passed, tests } = (await cli.json('selftest')) as { passed: boolean; tests: unknown[] }
    assert.equal(passed, true)
    assert.ok(tests.length > 5)
  })
})

describe('a Coffre sealed by a passphrase', () => {
  const PASSPHRASE = 'correct horse battery canary'

  test('opens with its passphrase and with no other', async (t) => {
    const cli = new CoffreLine(t)
    const good = join(cli.folder, 'good')
    writeFileSync(good, `${PASSPHRASE}\n`)
    await cli.ok(`init --seal passphrase --passphrase-file ${good}`)
    const created = await cli.ok('key create invoices', { environment: { COFFRE_PASSPHRASE_FILE: good } })
    assert.ok(!created.error.includes('canary'))
    await cli.ok('key list', { environment: { COFFRE_PASSPHRASE: PASSPHRASE } })
    await cli.ok('key list --passphrase-file -', { input: PASSPHRASE })
    const wrong = await cli.run(['key', 'list'], { environment: { COFFRE_PASSPHRASE: 'not that canary' } })
    assert.equal(wrong.code, 4)
    assert.match(wrong.error, /PASSPHRASE_WRONG/)
    assert.ok(!wrong.error.includes('canary'))
    const without = await cli.run(['key', 'list'])
    assert.equal(without.code, 4)
    assert.match(without.error, /SEAL_KEY_MISSING/)
    assert.equal((await cli.run(['status'])).code, 2)
    const both = { COFFRE_PASSPHRASE: PASSPHRASE, COFFRE_PASSPHRASE_FILE: good }
    assert.equal((await cli.run(['key', 'list'], { environment: both })).code, 78)
  })

  test('is not made without a passphrase', async (t) => {
    const cli = new CoffreProcess(t)
    const refused = await cli.run(['init', '--seal', 'passphrase'])
    assert.equal(refused.code, 4)
    assert.deepEqual(cli.snapshot(), {})
  })
})

function stateOf(key: Record<string, unknown>, version: number): string | undefined {
  const versions = key['versions'] as { version: number; state: string }[]
  return versions.find((each) => each.version === version)?.state
}
