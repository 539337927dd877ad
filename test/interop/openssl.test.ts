import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import { algorithmFor } from '../../src/crypto/algorithms.ts'
import { KeyMaterial, rawBytes } from '../../src/crypto/key-material.ts'
import { oaepDecrypt, oaepEncrypt } from '../../src/crypto/rsa-oaep.ts'
import type { AlgorithmName } from '../../src/model/algorithm-name.ts'

const skip = spawnSync('openssl', ['version']).status === 0 ? false : 'no openssl; apt-get install openssl'
const folder = mkdtempSync(join(tmpdir(), 'coffre-openssl-'))
after(() => rmSync(folder, { recursive: true }))

function path(name: string): string {
  return join(folder, name)
}

function write(name: string, bytes: Uint8Array): string {
  writeFileSync(path(name), bytes, { mode: 0o600 })
  return path(name)
}

/** Throws with what openssl said where it fails. */
function openssl(...args: readonly string[]): void {
  execFileSync('openssl', args, { stdio: ['ignore', 'ignore', 'pipe'] })
}

const PSS = ['-digest', 'sha256', '-pkeyopt', 'rsa_padding_mode:pss', '-pkeyopt', 'rsa_pss_saltlen:32']
const OAEP = ['rsa_padding_mode:oaep', 'rsa_oaep_md:sha256', 'rsa_mgf1_md:sha256'].flatMap((option) => [
  '-pkeyopt',
  option,
])

interface SigningRow {
  readonly name: AlgorithmName
  readonly options: readonly string[]
  readonly genpkey: readonly string[]
}

const SIGNING: readonly SigningRow[] = [
  { name: 'rsa-2048', options: PSS, genpkey: rsaOptions(2048) },
  { name: 'rsa-3072', options: PSS, genpkey: rsaOptions(3072) },
  { name: 'rsa-4096', options: PSS, genpkey: rsaOptions(4096) },
  { name: 'ecdsa-p256', options: ['-digest', 'sha256'], genpkey: ecOptions('P-256') },
  { name: 'ecdsa-p384', options: ['-digest', 'sha384'], genpkey: ecOptions('P-384') },
  { name: 'ecdsa-p521', options: ['-digest', 'sha512'], genpkey: ecOptions('P-521') },
  { name: 'ed25519', options: [], genpkey: ['-algorithm', 'ed25519'] },
]

function rsaOptions(bits: number): readonly string[] {
  return ['-algorithm', 'rsa', '-pkeyopt', `rsa_keygen_bits:${bits}`]
}

function ecOptions(curve: string): readonly string[] {
  return ['-algorithm', 'ec', '-pkeyopt', `ec_paramgen_curve:${curve}`]
}

/** A key that openssl made, checked by the row as an import. */
function importOwn({ name, genpkey }: Pick<SigningRow, 'name' | 'genpkey'>): KeyMaterial {
  openssl('genpkey', ...genpkey, '-outform', 'DER', '-out', path('generated.der'))
  openssl(
    'pkcs8',
    '-topk8',
    '-nocrypt',
    '-inform',
    'DER',
    '-in',
    path('generated.der'),
    '-outform',
    'DER',
    '-out',
    path('own.der'),
  )
  const material = new KeyMaterial(readFileSync(path('own.der')))
  algorithmFor(name).check(material)
  return material
}

function der(option: string, file: string): readonly string[] {
  return [option, file, '-keyform', 'DER']
}

describe('openssl and Coffre', { skip }, () => {
  for (const row of SIGNING) {
    test(`verify each other's ${row.name} signatures, and refuse each other's for another message`, () => {
      const [material, message] = [importOwn(row), Buffer.from(`a message for ${row.name}`)]
      const algorithm = algorithmFor(row.name)
      const publicKey = write('public.der', algorithm.publicKey!(material))
      const [input, other] = [write('message', message), write('other', Buffer.from('another message'))]

      const ours = write('ours', algorithm.signing!.sign(material, message))
      const verify = ['pkeyutl', '-verify', '-pubin', ...der('-inkey', publicKey), '-rawin', ...row.options]
      openssl(...verify, '-in', input, '-sigfile', ours)
      assert.throws(() => openssl(...verify, '-in', other, '-sigfile', ours))

      const sign = ['pkeyutl', '-sign', ...der('-inkey', path('own.der')), '-rawin', ...row.options]
      openssl(...sign, '-in', input, '-out', path('theirs'))
      const theirs = readFileSync(path('theirs'))
      assert.equal(algorithm.signing!.verify(material, message, theirs), true)
      assert.equal(algorithm.signing!.verify(material, Buffer.from('another message'), theirs), false)
    })
  }

  test("decrypt each other's OAEP blocks of every modulus size", () => {
    for (const bits of [2048, 3072, 4096] as const) {
      const name = `rsa-${bits}` as const
      const material = importOwn({ name, genpkey: rsaOptions(bits) })
      const plaintext = Buffer.from(`a secret for ${name}`)
      const block = write('block', oaepEncrypt(material, plaintext, new Uint8Array(0)))
      openssl(
        'pkeyutl',
        '-decrypt',
        ...der('-inkey', path('own.der')),
        '-in',
        block,
        '-out',
        path('opened'),
        ...OAEP,
      )
      assert.deepEqual(readFileSync(path('opened')), plaintext)

      const publicKey = write('public.der', algorithmFor(name).publicKey!(material))
      const input = write('plaintext', plaintext)
      openssl(
        'pkeyutl',
        '-encrypt',
        '-pubin',
        ...der('-inkey', publicKey),
        '-in',
        input,
        '-out',
        path('sealed'),
        ...OAEP,
      )
      const opened = oaepDecrypt(material, readFileSync(path('sealed')), new Uint8Array(0))
      assert.deepEqual(Buffer.from(opened!), plaintext)
    }
  })

  test('agree on one X25519 secret', async () => {
    const row = algorithmFor('x25519')
    const [ours, theirs] = [
      await row.generate(),
      importOwn({ name: 'x25519', genpkey: ['-algorithm', 'x25519'] }),
    ]
    const peer = write('peer.der', row.publicKey!(ours))
    const derive = [
      'pkeyutl',
      '-derive',
      ...der('-inkey', path('own.der')),
      '-peerkey',
      peer,
      '-peerform',
      'DER',
    ]
    openssl(...derive, '-out', path('shared'))
    const shared = row.agreement!.agree(ours, row.publicKey!(theirs))
    assert.deepEqual(Buffer.from(rawBytes(shared)), readFileSync(path('shared')))
  })

  test('agree on the bytes of a wrapped key', () => {
    const [key, inner] = [Buffer.alloc(32, 5), Buffer.alloc(40, 6)]
    const input = write('inner', inner)
    const modes = [
      ['aes256-kw', '-id-aes256-wrap', 'a6a6a6a6a6a6a6a6'],
      ['aes256-kwp', '-id-aes256-wrap-pad', 'a65959a6'],
    ] as const
    for (const [name, cipher, iv] of modes) {
      openssl('enc', cipher, '-K', key.toString('hex'), '-iv', iv, '-in', input, '-out', path('wrapped'))
      const blob = algorithmFor(name).wrapping!.wrap(new KeyMaterial(key), new KeyMaterial(inner))
      assert.deepEqual(readFileSync(path('wrapped')), Buffer.from(blob))
    }
  })
})
