import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { describe, test } from 'node:test'
import { CoffreError } from '../../../../src/model/errors.ts'
import { Secret } from '../../../../src/model/secret.ts'
import { createRecoveryKey } from '../../../../src/seal/recovery-key.ts'
import { requireSeparate } from '../../../../src/service/key-separation/require-separate.ts'

const PASSWORD = 'p@ss word/of the database'
const URL_TEXT = `postgres://shop:${encodeURIComponent(PASSWORD)}@db.example/shop`
const KEY = Buffer.alloc(32, 0xa7)
const sha256 = (bytes: string | Buffer) => createHash('sha256').update(bytes).digest()

function check(key: string | Uint8Array, other: string, name = 'DATABASE_URL'): void {
  const value = typeof key === 'string' ? new Secret(key) : new Secret(key)
  requireSeparate([{ name: 'BACKUP_ENCRYPTION_KEY', value }], [{ name, value: new Secret(other) }])
}

describe('a backup key', () => {
  const same: readonly (readonly [string, string | Uint8Array, string])[] = [
    ['the URL of the database', URL_TEXT, URL_TEXT],
    ['its password', PASSWORD, URL_TEXT],
    ['its password as the URL has it', encodeURIComponent(PASSWORD), URL_TEXT],
    ['SHA-256 of its password, in hex', sha256(PASSWORD).toString('hex'), URL_TEXT],
    ['SHA-256 of its password, in base64', sha256(PASSWORD).toString('base64'), URL_TEXT],
    ['SHA-256 of its password, raw', sha256(PASSWORD), URL_TEXT],
    ['SHA-256 of the whole URL', sha256(URL_TEXT).toString('hex'), URL_TEXT],
    ['its password behind sha256:', `sha256:${PASSWORD}`, URL_TEXT],
    ['a SECRET_KEY in another encoding', KEY.toString('hex'), KEY.toString('base64')],
    ['a Fernet key, decoded', KEY.toString('hex').toUpperCase(), KEY.toString('base64url')],
    ['SHA-256 of a decoded SECRET_KEY', sha256(KEY).toString('base64url'), KEY.toString('hex')],
    ['what a SECRET_KEY is SHA-256 of', KEY.toString('hex'), sha256(KEY).toString('hex')],
    ['a SECRET_KEY with a line break', `${KEY.toString('hex')}\n`, KEY.toString('hex')],
  ]
  for (const [what, key, other] of same) {
    test(`that is ${what} is refused, and nothing of it is said`, () => {
      assert.throws(
        () => check(key, other),
        (error) => {
          assert.ok(error instanceof CoffreError && error.code === 'CONFIG_REFUSED')
          assert.equal(error.facts['setting'], 'BACKUP_ENCRYPTION_KEY')
          assert.match(String(error.facts['expected']), /DATABASE_URL/)
          assert.equal(error.facts['generate'], 'openssl rand -hex 32')
          const said = JSON.stringify(error) + String(error)
          for (const secret of [String(key).trim(), other, PASSWORD]) assert.ok(!said.includes(secret))
          return true
        },
      )
    })
  }

  test('of its own passes, also beside settings that are empty', () => {
    check(KEY.toString('hex'), URL_TEXT)
    check('correct horse battery staple', KEY.toString('hex'))
    check('', '')
    check(KEY, 'postgres://db.example/shop')
  })

  test('on a sheet is compared as its 32 bytes', () => {
    const { text, words } = createRecoveryKey()
    assert.throws(() => check(text.reveal(), words.reveal()), { code: 'CONFIG_REFUSED' })
    check(text.reveal(), createRecoveryKey().words.reveal())
  })
})
