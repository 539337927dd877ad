import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { ErrorCode } from '../../src/model/errors.ts'
import { Secret } from '../../src/model/secret.ts'
import {
  openText,
  type SecretText,
  slotKinds,
} from '../../src/service/secret-files/encrypted/encrypted-text.ts'
import { type FileKeyHolder, passphraseHolder } from '../../src/service/secret-files/encrypted/file-key.ts'
import { failsWith } from '../temporary.ts'

// docs/spec/secret-file.md. These files were written once by this code; every later one opens them.

const PASSPHRASE = passphraseHolder(new Secret('a passphrase of the vector'))
const opened = new Map<string, Promise<Uint8Array | undefined>>()
/** Each slot costs one derivation, however many cases stand under it. */
const HOLDER: FileKeyHolder = {
  wrap: (fileKey) => PASSPHRASE.wrap(fileKey),
  unwrap: (slot) => {
    const known = opened.get(slot) ?? PASSPHRASE.unwrap(slot)
    opened.set(slot, known)
    return known
  },
}
const SLOT =
  'passphrase r9oI03STOXRvaC3AEWZl7pnxWUIx4E0aHdILUy8lcmUHD1rsLf5IQDiEdcphlLK0dTZoqQplKLSdGpCJ2dLM034kjQSOzKHyfcsegpqDcGkmcFJlyzMZhr_jvcpoK4vPHOuHqLC0F5OC2mjnxdpTVGqfvvP-wkGr'
const PORT =
  'coffre:v1:L72SmP5XF2wZLedael7MBECUXf913F7Eclqt7eerO-AggFc55Wdix0DZpr3f_MhD_0j7T8sqCdXkRxHvoF_5Ru3-KC--nhEiSCBZRw'
const EMPTY =
  'coffre:v1:PBv6iO5jNoKkhYELkZPJCTgMRWZfQYbSE95nxUwCez9h9Hk4HNuTGj6Aip9pDZLS6aS-ktJnZrzrc-KEM8tndZhGpRHt8PCf'
const MULTI =
  'coffre:v1:wAlrqO0k5NM2bPAl3YQXF1k8WdpQ4-pCIPuwTVl7KVFe1-hDZbffyQ5TkkgmJmNC1v-PTCyUxYAzOETtr2HqI4dYSFgAVYagEZL4Vag'
const HEAD = `# coffre-secret-file v1\n# coffre-slot ${SLOT}\n`

const TOML_HEAD =
  '# coffre-secret-file v1\r\n# coffre-slot passphrase skzsXOEqc4ixONIwYNe_6PWIAJU4IiKX-6Rl5_MwlGjYMo2zOos8QEPOYTKD3Ji_NGCqFxRksshoHlSAdx9UzZObneSn85JyBNIH1gfGNtSNPhvkWYzErQVznW6v1THbpVVMrRwIt77XHWDB9Xa6NUQUVYLLBI3r\r\n'
const TITLE =
  'title = "coffre:v1:n6ozYpvPJTODQxdRDH5JkqRPkFDjCXM_-dZ59rZudoTzBY05-DeUpJwno-xJX2lXdsgsGQGhIZa7dUT9PFBqQK-__kSKzHjZisB5rVFYhw"'
const FIRST =
  'keys = "coffre:v1:IA0VeS16p0t22o9Lwzv1RKGq7cIvPuKCz4LT9tJ-wUwbw6xjIl0unEe37wpEGX0LvweLLpn3j-2x9nkQz_AK0JaKEVrPf81n3Rpc03WZ"'
const SECOND =
  'keys = "coffre:v1:Uai-feIPMC4W4jsyYa-J7AhWtpdpmN_Q9E0RbpIKVhpYO9IFq0DDE6WyEIv08Nulwv6gX-SHiUsPLd5pOa-9ei3ce903k9lFxBE"'

function open(text: string, other: Partial<SecretText> = {}) {
  return openText({ file: '.env', form: 'dotenv', text, ...other }, HOLDER)
}

describe('an encrypted file that is stored opens to the byte', () => {
  test('an env file, with comments, an empty value and one of two lines', async () => {
    const body = `# shop\nexport PORT=${PORT} # web\nEMPTY=${EMPTY}\nMULTI=${MULTI}\n`
    assert.equal((await open(HEAD + body)).text, "# shop\nexport PORT=3000 # web\nEMPTY=\nMULTI='a\nb'\n")
    assert.deepEqual(slotKinds(HEAD + body), ['passphrase'])
  })

  test('a TOML file, with line endings of Windows and a table that repeats', async () => {
    const lines = [TITLE, '', '[[mail]]', FIRST, '[[mail]]', SECOND, '']
    const { text } = await open(TOML_HEAD + lines.join('\r\n'), { file: 'secrets.toml', form: 'toml' })
    assert.equal(text, 'title = "été"\r\n\r\n[[mail]]\r\nkeys = [1, 2]\r\n[[mail]]\r\nkeys = []\r\n')
  })

  test('also after a byte order mark and under a slot of another kind', async () => {
    const text = `\ufeff# coffre-secret-file v1\n# coffre-slot later x\n# coffre-slot ${SLOT}\nPORT=${PORT}\n`
    assert.equal((await open(text)).text, '\ufeffPORT=3000\n')
  })
})

describe('and what is not as the page says opens nothing:', () => {
  const wrong: readonly (readonly [name: string, text: string, code: ErrorCode])[] = [
    ['another version', HEAD.replace('v1', 'v2') + `PORT=${PORT}\n`, 'DECRYPTION_FAILED'],
    ['no slot', `# coffre-secret-file v1\nPORT=${PORT}\n`, 'DECRYPTION_FAILED'],
    [
      'seventeen slots',
      `# coffre-secret-file v1\n${`# coffre-slot ${SLOT}\n`.repeat(17)}PORT=${PORT}\n`,
      'DECRYPTION_FAILED',
    ],
    ['slots of other kinds alone', `# coffre-secret-file v1\n# coffre-slot later x\n`, 'INVALID_REQUEST'],
    ['an empty slot', '# coffre-secret-file v1\n# coffre-slot passphrase \n', 'DECRYPTION_FAILED'],
    [
      'a slot that ends in its salt',
      '# coffre-secret-file v1\n# coffre-slot passphrase AAAA\n',
      'DECRYPTION_FAILED',
    ],
    [
      'a slot that is no base64url',
      '# coffre-secret-file v1\n# coffre-slot passphrase a=\n',
      'DECRYPTION_FAILED',
    ],
    ['a changed slot', `${HEAD.replace('r9oI', 'r9oJ')}PORT=${PORT}\n`, 'PASSPHRASE_WRONG'],
    ['a value in clear', `${HEAD}PORT=3000\n`, 'DECRYPTION_FAILED'],
    ['an empty value in clear', `${HEAD}EMPTY=\n`, 'DECRYPTION_FAILED'],
    ['a value of another version', `${HEAD}PORT=${PORT.replace('v1', 'v2')}\n`, 'DECRYPTION_FAILED'],
    ['a value of another name', `${HEAD}PORT=${EMPTY}\n`, 'DECRYPTION_FAILED'],
    ['a changed value', `${HEAD}PORT=${PORT.slice(0, -1)}A\n`, 'DECRYPTION_FAILED'],
    ['a shortened value', `${HEAD}PORT=${PORT.slice(0, -4)}\n`, 'DECRYPTION_FAILED'],
    ['a name twice', `${HEAD}PORT=${PORT}\nPORT=${PORT}\n`, 'SECRET_FILE_REFUSED'],
  ]
  for (const [name, text, code] of wrong) {
    test(name, () => assert.rejects(open(text), failsWith(code)))
  }

  test('the name of another file', () =>
    assert.rejects(open(`${HEAD}PORT=${PORT}\n`, { file: 'prod.env' }), failsWith('DECRYPTION_FAILED')))

  test('two tables of one name that changed places', () => {
    const lines = [TITLE, '', '[[mail]]', SECOND, '[[mail]]', FIRST, '']
    return assert.rejects(
      open(TOML_HEAD + lines.join('\r\n'), { file: 'secrets.toml', form: 'toml' }),
      failsWith('DECRYPTION_FAILED'),
    )
  })
})
