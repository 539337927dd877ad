import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { test } from 'node:test'

const ROOT = resolve(import.meta.dirname, '../..')
const CASES = join(import.meta.dirname, 'cases.ts')

/** Compiles the cases as `text` says, with this repository's settings. */
function compile(text: string): { readonly status: number | null; readonly output: string } {
  const folder = mkdtempSync(join(tmpdir(), 'coffre-types-'))
  try {
    const absolute = text.replaceAll('../../src/', `${ROOT}/src/`)
    writeFileSync(join(folder, 'cases.mts'), absolute)
    const imports = { rewriteRelativeImportExtensions: false, allowImportingTsExtensions: true }
    const compilerOptions = {
      noEmit: true,
      ...imports,
      typeRoots: [join(ROOT, 'node_modules/@types')],
    }
    const config = { extends: join(ROOT, 'tsconfig.json'), compilerOptions, include: ['cases.mts'] }
    writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(config))
    const tsc = join(ROOT, 'node_modules/.bin/tsc')
    const { status, stdout } = spawnSync(tsc, ['-p', folder], { encoding: 'utf8' })
    return { status, output: stdout }
  } finally {
    rmSync(folder, { recursive: true })
  }
}

test('what must not compile does not', () => {
  const { status, output } = compile(readFileSync(CASES, 'utf8'))
  assert.equal(status, 0, output)
})

test('each of those cases is an error of its own', () => {
  const text = readFileSync(CASES, 'utf8')
  const lines = text.split('\n')
  const expected = lines.flatMap((line, index) => (line.includes('// @ts-expect-error ') ? [index + 2] : []))
  assert.ok(expected.length >= 15)
  const { output } = compile(text.replaceAll('@ts-expect-error ', ''))
  const found = new Set([...output.matchAll(/cases\.mts\((\d+),/g)].map(([, line]) => Number(line)))
  assert.deepEqual(
    [...found].toSorted((one, two) => one - two),
    expected,
  )
})
