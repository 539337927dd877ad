import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { listFiles, SKIP_WITHOUT_VECTORS } from './wycheproof.ts'

type Account =
  /** `as` where the test spells a part of the name only. */
  | { readonly runBy: string; readonly as?: string }
  | { readonly notExpressible: string }
  /** Every key of the file is refused at import, which the named test shows. */
  | { readonly refusedBy: string }

const OTHER_AEAD = 'no row: AES-256-GCM is the only AEAD'
const SHA1 = 'no row: SHA-1 is not offered'
const P1363 = 'no row: ECDSA signatures are DER'
const OTHER_OAEP = 'no row: OAEP has SHA-256 with MGF1-SHA-256'
const OTHER_PSS = 'no row: PSS has SHA-256, MGF1-SHA-256 and a salt of 32 bytes'
const PKCS1 = 'no row: PKCS#1 v1.5 is not offered'
const ECDH = 'no row: agreement is X25519'
const JWE = 'no row: a login takes signed tokens only'
const POST_QUANTUM = 'no row yet: post-quantum algorithms come later'
const PBES2 = 'no row: encryption under a password is not offered'

/** The first pattern that fits says what becomes of a file. */
const ACCOUNTS: readonly (readonly [RegExp, Account])[] = [
  [/^aes_(gcm|wrap|kwp)_test/, { runBy: 'wycheproof-symmetric.test.ts' }],
  [/^hmac_sha(256|384|512)_/, { runBy: 'wycheproof-symmetric.test.ts' }],
  [/^hkdf_sha(256|384|512)_/, { runBy: 'wycheproof-derive.test.ts' }],
  [/^pbkdf2_hmacsha(256|384|512)_/, { runBy: 'wycheproof-derive.test.ts' }],
  [/^ecdsa_secp(256r1_sha256|384r1_sha384|521r1_sha512)_test/, { runBy: 'wycheproof-signature.test.ts' }],
  [/^ed25519_/, { runBy: 'wycheproof-signature.test.ts' }],
  [/^rsa_pss_(2048|3072|4096)_sha256_mgf1_32_/, { runBy: 'wycheproof-signature.test.ts' }],
  [/^rsa_pss_misc_/, { runBy: 'wycheproof-signature.test.ts' }],
  [/^rsa_oaep_(2048|3072|4096)_sha256_mgf1sha256_/, { runBy: 'wycheproof-rsa-oaep.test.ts' }],
  [/^rsa_oaep_misc_/, { runBy: 'wycheproof-rsa-oaep.test.ts' }],
  [/^rsa_three_primes_/, { refusedBy: 'wycheproof-rsa-oaep.test.ts' }],
  [/^x25519_/, { runBy: 'wycheproof-agreement.test.ts' }],
  [/^c2sp_chunked_encryption_/, { runBy: 'chunked.test.ts', as: 'c2sp_chunked_encryption_aes_' }],
  [/^primality_/, { runBy: 'wycheproof-primality.test.ts' }],
  [/^(a(128|192|256)cbc|aes_(cbc|gcm_siv)|x?chacha20)_?/, { notExpressible: OTHER_AEAD }],
  [/^aes_cmac_/, { notExpressible: 'no row: MACs are HMAC' }],
  [/^(hkdf|hmac)_sha1_|^pbkdf2_hmacsha1_/, { notExpressible: SHA1 }],
  [/^pbkdf2_hmacsha224_/, { notExpressible: 'no row: SHA-224 is not offered' }],
  [/^ecdsa_secp256k1_/, { notExpressible: 'no row: curves are P-256, P-384 and P-521' }],
  [/^ecdsa_.*_p1363_/, { notExpressible: P1363 }],
  [/^ecdh_/, { notExpressible: ECDH }],
  [/^ed448_/, { notExpressible: 'no row: Edwards signatures are Ed25519' }],
  [/^rsa_oaep_/, { notExpressible: OTHER_OAEP }],
  [/^rsa_pss_/, { notExpressible: OTHER_PSS }],
  [/^rsa_(pkcs1|signature)_/, { notExpressible: PKCS1 }],
  [/^pbes2_/, { notExpressible: PBES2 }],
  [/^json_web_(signature|crypto|key)_/, { runBy: 'wycheproof-jws.test.ts' }],
  [/^json_web_encryption_/, { notExpressible: JWE }],
  [/^ml(kem|dsa)_/, { notExpressible: POST_QUANTUM }],
]

test('every Wycheproof file is run, refused or given a reason', { skip: SKIP_WITHOUT_VECTORS }, (context) => {
  const files = listFiles()
  assert.ok(files.length > 0)
  const tally = { run: 0, outside: 0 }
  for (const file of files) {
    const account = ACCOUNTS.find(([pattern]) => pattern.test(file))?.[1]
    assert.ok(account !== undefined, `${file} has no account`)
    if ('notExpressible' in account) {
      tally.outside += 1
      context.diagnostic(`vectors: ${file} not expressible: ${account.notExpressible}`)
    } else {
      tally.run += 1
      if ('runBy' in account) assertNames(account.runBy, account.as ?? file)
      else assertNames(account.refusedBy, file)
    }
  }
  context.diagnostic(
    `vectors: ${files.length} files: ${tally.run} run or refused, ${tally.outside} not expressible`,
  )
})

test('every account fits a file', { skip: SKIP_WITHOUT_VECTORS }, () => {
  const files = listFiles()
  for (const [pattern] of ACCOUNTS)
    assert.ok(
      files.some((file) => pattern.test(file)),
      `${pattern} fits none`,
    )
})

function assertNames(testFile: string, file: string): void {
  const path = join(import.meta.dirname, testFile)
  assert.ok(existsSync(path), `${testFile} is missing`)
  assert.ok(readFileSync(path, 'utf8').includes(file), `${testFile} does not name ${file}`)
}
