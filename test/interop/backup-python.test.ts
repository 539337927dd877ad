import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import {
  createRecoveryKey,
  listSigners,
  openBackups,
  streamSource,
  toRecipients,
} from '../../src/app-backup.ts'
import { Secret } from '../../src/model/secret.ts'
import { makeFolder, openTemporary, type Scope } from '../temporary.ts'

const SCRIPT = fileURLToPath(new URL('./open-backup.py', import.meta.url))
const PYTHON = process.env['COFFRE_TEST_PYTHON'] ?? 'python3'
/** A key agreement after quantum computers, and Argon2id: not in the cryptography of every distribution. */
const NEEDED =
  'from cryptography.hazmat.primitives.kdf.argon2 import Argon2id\n' +
  'from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey\n' +
  'MLKEM768PrivateKey.from_seed_bytes(bytes(64))'
/** With é in two code points: a reader composes it. */
const PASSPHRASE = 'a passphrase for the cafe\u0301 across the street'
/** Several chunks, and a last one that is not full. */
const CONTENT = Buffer.concat([Buffer.alloc(70_000, 'INSERT INTO t VALUES (1);\n'), randomBytes(40_001)])

function missing(): string | false {
  try {
    execFileSync(PYTHON, ['-c', NEEDED], { stdio: 'ignore' })
    return false
  } catch {
    return 'no cryptography with ML-KEM and Argon2id (COFFRE_TEST_PYTHON names the Python that has it)'
  }
}

async function makeBackups(t: Scope, compression: 'gzip' | 'none') {
  const folder = join(makeFolder(t), 'target')
  mkdirSync(folder, { mode: 0o700 })
  const coffre = await openTemporary(t)
  const recovery = createRecoveryKey()
  const backups = await openBackups({ target: folder, seenFile: join(makeFolder(t), 'seen'), coffre })
  const recipients = toRecipients({
    key: 'backup',
    passphrase: new Secret(PASSPHRASE),
    recovery: [recovery.publicKey],
  })
  for (const content of [Buffer.from('older'), CONTENT]) {
    const input = (async function* () {
      yield content
    })()
    const options = { series: 'nightly', recipients, compression }
    await backups.create(streamSource({ name: 'dump.sql', input }), coffre, options)
  }
  await backups.close()
  const [signer = ''] = await listSigners(coffre)
  return { folder, signer, recovery: recovery.text.reveal().toString() }
}

function openWithPython(folder: string, secrets: Readonly<Record<string, string>>): Buffer {
  const input = JSON.stringify(secrets)
  return execFileSync(PYTHON, [SCRIPT, folder, 'nightly'], { input, stdio: ['pipe', 'pipe', 'pipe'] })
}

test('Python opens a backup by recovery key and by passphrase, from docs/spec alone', {
  skip: missing(),
}, async (t) => {
  for (const compression of ['gzip', 'none'] as const) {
    const { folder, signer, recovery } = await makeBackups(t, compression)
    assert.deepEqual(openWithPython(folder, { signer, recovery }), CONTENT)
    assert.deepEqual(openWithPython(folder, { signer, passphrase: PASSPHRASE }), CONTENT)
    assert.throws(() => openWithPython(folder, { signer, passphrase: `${PASSPHRASE}.` }), /commitment/)
    const other = await makeBackups(t, compression)
    assert.throws(() => openWithPython(folder, { signer: other.signer, recovery }), /nobody trusted/)
  }
})
