import assert from 'node:assert/strict'
import { chmodSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, test, type TestContext } from 'node:test'
import { gzipSync, zstdCompressSync } from 'node:zlib'
import { Secret } from '../../../../src/model/secret.ts'
import { createRecoveryKey } from '../../../../src/seal/recovery-key.ts'
import { examineTarget } from '../../../../src/service/key-separation/examine-target.ts'
import { BackupPlace } from '../backup/backup-place.ts'

const KEY = Buffer.from('5e884898da28047151d0e56f8dc6292773603d0d6aabbdd62a11ef721d1542d8', 'hex')
const SECRETS = [{ name: 'BACKUP_ENCRYPTION_KEY', value: new Secret(KEY.toString('hex')) }]
const KNOWN = { kind: 'known', name: 'BACKUP_ENCRYPTION_KEY' }
const sheet = createRecoveryKey()
const numbered = sheet.words
  .reveal()
  .split(' ')
  .map((word, at) => `${at + 1} ${word}${at % 4 === 3 ? '\n' : '  '}`)
  .join('')
const wide = (text: string) => Buffer.from(text, 'utf16le')

/** What somebody left on the target, and what is to be said of it. */
const PLANTED: readonly (readonly [name: string, content: string | Uint8Array, found: object])[] = [
  ['known-hex', `the key: ${KEY.toString('hex')}.`, KNOWN],
  ['known-upper', `${'x'.repeat(500_000)}${KEY.toString('hex').toUpperCase()}`, KNOWN],
  ['known-base64', `{"k":"${KEY.toString('base64')}"}`, KNOWN],
  ['known-base64url', `key=${KEY.toString('base64url')}&`, KNOWN],
  ['known-raw', Buffer.concat([Buffer.alloc(999, 1), KEY, Buffer.alloc(999, 2)]), KNOWN],
  ['known-packed.gz', gzipSync(`notes\n${KEY.toString('hex')}\n`), KNOWN],
  ['known-packed.zst', zstdCompressSync(Buffer.from(`notes\n${KEY.toString('hex')}\n`)), KNOWN],
  [
    '.env',
    'PORT=80\nBACKUP_ENCRYPTION_KEY=change-me-please\n',
    { kind: 'setting', name: 'BACKUP_ENCRYPTION_KEY' },
  ],
  ['deploy/values.yaml', '  SECRET_KEY: "0123456789abcdef"\n', { kind: 'setting', name: 'SECRET_KEY' }],
  [
    'deploy/values.json',
    '{"FERNET_SECRET_KEY":"0123456789abcdef"}',
    { kind: 'setting', name: 'FERNET_SECRET_KEY' },
  ],
  ['notepad.env', wide('COFFRE_PASSPHRASE=correct horse'), { kind: 'setting', name: 'COFFRE_PASSPHRASE' }],
  ['seal.key', `${'0f'.repeat(32)}\n`, { kind: 'bare-key' }],
  ['raw.key', Buffer.from('f0'.repeat(32), 'hex'), { kind: 'bare-key' }],
  ['sheet.txt', `Print this.\n${sheet.text.reveal().replace(/(.{40})/, '$1\n')}\n`, { kind: 'paper-key' }],
  ['words.txt', numbered, { kind: 'words' }],
  ['id_ed25519', '-----BEGIN OPENSSH PRIVATE KEY-----\nb3Bl\n', { kind: 'private-key' }],
  ['age.txt', `AGE-SECRET-KEY-1${'QPZRY9X8'.repeat(8)}`, { kind: 'age-key' }],
  ['dump.sql.gz', gzipSync('--\n-- PostgreSQL database dump\n--\n'), { kind: 'clear-copy' }],
  ['app.dump', 'PGDMP\u0001\u000e', { kind: 'clear-copy' }],
]

/** They look like something and give nothing away. */
const HARMLESS: readonly (readonly [string, string | Uint8Array])[] = [
  [
    'README.md',
    'The sheet has COFFRE-RECOVERY-… on it; put BACKUP_ENCRYPTION_KEY_FILE=/run/secrets/key into the unit.',
  ],
  ['compose.yaml', 'BACKUP_ENCRYPTION_KEY: ${BACKUP_ENCRYPTION_KEY}\nSECRET_KEY=$SECRET_KEY_FROM_VAULT\n'],
  ['sums.txt', `${'ab'.repeat(32)}  dump.sql\n${'cd'.repeat(32)}  other.sql\n`],
  ['prose.txt', 'the very first thing that you should always know about such a simple letter '.repeat(100)],
  ['empty', ''],
  ['text-of-32-bytes', 'x'.repeat(32)],
  ['public.pem', '-----BEGIN PUBLIC KEY-----\nMCow\n'],
  ['noise', Buffer.from(Array.from({ length: 100_000 }, (_, at) => (at * at * 31 + (at >> 3)) & 255))],
  ['broken.gz', Buffer.from('1f8b0800', 'hex')],
]

function plant(place: BackupPlace, name: string, content: string | Uint8Array): void {
  const path = join(place.folder, name)
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
  writeFileSync(path, content, { mode: 0o600 })
}

async function openPlace(t: TestContext): Promise<BackupPlace> {
  const place = await BackupPlace.open(t)
  await place.create(Buffer.alloc(200_000, 'INSERT INTO t VALUES (1);\n'))
  return place
}

describe('a target', () => {
  test('with backups alone holds no key material', async (t) => {
    const place = await openPlace(t)
    for (const [name, content] of HARMLESS) plant(place, name, content)
    const found = await examineTarget(place.target, SECRETS)
    assert.deepEqual(found, {
      place: place.folder,
      objects: 3 + HARMLESS.length,
      inPart: 0,
      unread: [],
      isWhole: true,
      keys: [],
      warnings: [],
    })
  })

  test('with key material says which object and what it is, and repeats no key', async (t) => {
    const place = await openPlace(t)
    for (const [name, content, expected] of PLANTED) {
      plant(place, name, content)
      const { keys } = await examineTarget(place.target, SECRETS)
      assert.deepEqual(keys, [{ object: name, ...expected }])
      rmSync(join(place.folder, name))
    }
  })

  test('that others read is warned of', async (t) => {
    const place = await openPlace(t)
    chmodSync(place.folder, 0o755)
    const { warnings } = await examineTarget(place.target, [])
    assert.deepEqual(warnings, ['readable-by-others'])
  })

  test('is read as far as the bound of each object, and says how many there were', async (t) => {
    const place = await openPlace(t)
    plant(place, 'large', Buffer.alloc(3 * 1024 * 1024, 1))
    const { inPart, objects } = await examineTarget(place.target, SECRETS)
    assert.deepEqual([objects, inPart], [4, 1])
  })
})
