import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { decryptApiKey, encryptApiKey, readFernetRing } from '../../src/app-fernet.ts'
import { Fernet } from '../../src/crypto/fernet.ts'
import { FernetRing } from '../../src/crypto/fernet-ring.ts'
import { CoffreError } from '../../src/model/errors.ts'
import { failsWith, makeFolder } from '../temporary.ts'

const KEY = 'AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8='
/** Made by Python's cryptography, with a fixed time and IV. */
const TOKEN =
  'gAAAAABpBfyAICEiIyQlJicoKSorLC0uL8MDgRknkiX5OalNk2393EU6oC2inm1W1IBys-QJdeivZ_ivgql1yhePLtCObQmR3T5JD1HvMB8zK2an7hAnGYgV4Tsm5moiaIURiJTBQp-I'

describe('encryptApiKey and decryptApiKey', () => {
  test('clé valide', () => {
    assert.equal(decryptApiKey(TOKEN, KEY), 'mistral-test-key-0123456789abcdefABCDEF')
    for (const text of ['clé à moi', '键', 'a', '']) {
      assert.equal(decryptApiKey(encryptApiKey(text, KEY), KEY), text)
    }
  })

  test('token invalide', () => {
    const changed = `${TOKEN.slice(0, -2)}xI`
    for (const token of ['', 'gAAAA', changed, TOKEN.slice(0, -4)]) {
      assert.throws(() => decryptApiKey(token, KEY), failsWith('DECRYPTION_FAILED'))
    }
    assert.throws(() => decryptApiKey(TOKEN, Fernet.generateKey()), failsWith('DECRYPTION_FAILED'))
    const noText = new Fernet(KEY).encrypt(Uint8Array.of(0xff))
    assert.throws(() => decryptApiKey(noText, KEY), failsWith('DECRYPTION_FAILED'))
  })
})

describe('FERNET_SECRET_KEY', () => {
  const read = (environment: Record<string, string>, folder = '/nonexistent') =>
    readFernetRing({ environment, folder })

  test('comes from the environment in any case, from a file, or from .env, in this order', (t) => {
    const folder = makeFolder(t)
    const [own, inFile, inEnv] = [Fernet.generateKey(), Fernet.generateKey(), Fernet.generateKey()]
    const checks = (...keys: string[]) => keys.map((key) => read({ FERNET_SECRET_KEY: key })?.checks[0])
    assert.equal(read({}, folder), undefined)
    writeFileSync(join(folder, '.env'), `# a comment\nOTHER=1\nfernet_secret_key="${inEnv}"\n`)
    writeFileSync(join(folder, 'key'), `${inFile}\n`)
    assert.deepEqual(read({}, folder)?.checks, checks(inEnv))
    assert.deepEqual(read({ FERNET_SECRET_KEY: '' }, folder)?.checks, checks(inEnv))
    assert.deepEqual(read({ Fernet_Secret_Key: own }, folder)?.checks, checks(own))
    const file = join(folder, 'key')
    assert.deepEqual(read({ FERNET_SECRET_KEY_FILE: file }, folder)?.checks, checks(inFile))
    assert.deepEqual(read({ FERNET_SECRET_KEY: `${own}, ${inFile}` })?.checks, checks(own, inFile))
    assert.throws(
      () => read({ FERNET_SECRET_KEY: own, FERNET_SECRET_KEY_FILE: file }),
      failsWith('CONFIG_REFUSED'),
    )
    for (const path of [join(folder, 'none'), folder, '/dev/zero']) {
      assert.throws(() => read({ FERNET_SECRET_KEY_FILE: path }), failsWith('CONFIG_REFUSED'))
    }
    writeFileSync(join(folder, '.env'), 'FERNET_SECRET_KEY_FILE=key\n')
    assert.deepEqual(read({}, folder)?.checks, checks(inFile))
  })

  test('of another length or alphabet, empty in a ring, or published, is refused with the command that makes one', () => {
    const good = Fernet.generateKey()
    const published = 'cw_0x689RpI-jtRR7oE8h_eQsKImvJapLeSbXpwF4e4='
    for (const text of [
      'abc',
      good.slice(1),
      `${good}=`,
      good.replace(/.$/, '!'),
      `${good},`,
      `${good},x`,
      published,
      `${published},${good}`,
    ]) {
      const failed: unknown = (() => {
        try {
          return read({ FERNET_SECRET_KEY: text })
        } catch (error) {
          return error
        }
      })()
      assert.ok(failed instanceof CoffreError && failed.code === 'CONFIG_REFUSED', text)
      assert.match(JSON.stringify(failed), /coffre fernet keygen/)
      assert.ok(!JSON.stringify(failed).includes(good))
    }
  })
  test('that is published decrypts behind another one, so that what is under it can be encrypted again', () => {
    const published = 'cw_0x689RpI-jtRR7oE8h_eQsKImvJapLeSbXpwF4e4='
    const token = new Fernet(published).encrypt('a key')
    const ring = FernetRing.parse(`${Fernet.generateKey()},${published}`)
    assert.equal(Buffer.from(ring.decrypt(token)).toString(), 'a key')
    assert.equal(ring.isCurrent(token), false)
  })
})
