import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { type HkdfHash, hkdfExpand } from '../../src/crypto/hkdf-expand.ts'
import { hasCode } from '../../src/model/errors.ts'

interface HkdfFile {
  readonly testGroups: readonly { readonly tests: readonly HkdfCase[] }[]
}

interface HkdfCase {
  readonly tcId: number
  readonly ikm: string
  readonly salt: string
  readonly info: string
  readonly size: number
  readonly okm: string
  readonly result: 'valid' | 'invalid' | 'acceptable'
}

const fromHex = (hex: string): Uint8Array => Buffer.from(hex, 'hex')

const folder =
  process.env['COFFRE_VECTORS'] ?? join(import.meta.dirname, '..', '..', '..', 'shared', 'vectors')

for (const hash of ['sha256', 'sha384', 'sha512'] as const) {
  const file = `hkdf_${hash}_test.json`
  const path = join(folder, 'wycheproof', 'testvectors_v1', file)
  const skip = existsSync(path) ? false : `the vectors are absent: ${file}`
  test(`HKDF-Expand passes every case of ${file}`, { skip }, () => {
    const parsed: HkdfFile = JSON.parse(readFileSync(path, 'utf8'))
    const cases = parsed.testGroups.flatMap((group) => group.tests)
    const valid = cases.filter((one) => one.result === 'valid')
    assert.ok(valid.length > 0 && valid.length < cases.length, 'valid and invalid cases are present')
    for (const one of cases) checkCase(hash, one)
    console.log(
      `vectors: ${file} (HKDF-Expand): run ${cases.length}, passed ${cases.length}, not expressible 0`,
    )
  })
}

function checkCase(hash: HkdfHash, one: HkdfCase): void {
  const prk = createHmac(hash, fromHex(one.salt)).update(fromHex(one.ikm)).digest()
  const expand = (): Uint8Array => hkdfExpand(prk, fromHex(one.info), one.size, hash)
  if (one.result === 'valid') {
    assert.equal(Buffer.from(expand()).toString('hex'), one.okm, `case ${one.tcId}`)
    return
  }
  assert.throws(expand, (error) => hasCode(error, 'PARAMETERS_REFUSED'), `case ${one.tcId}`)
}
