import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { CoffreError } from '../../src/model/errors.ts'
import { requireRuntime } from '../../src/version.ts'

const manifest = readFileSync(new URL('../../package.json', import.meta.url), 'utf8')

const NODES: readonly [version: string, supported: boolean][] = [
  ['20.20.2', false],
  ['24.18.9', false],
  ['24.19.0', true],
  ['25.9.0', false],
  ['26.5.1', false],
  ['26.6.0', true],
  ['27.0.0', true],
]

for (const [version, supported] of NODES) {
  test(`Node ${version} is ${supported ? 'accepted' : 'refused with the range that package.json states'}`, () => {
    if (supported) return requireRuntime(version)
    assert.throws(
      () => requireRuntime(version),
      (error: unknown) =>
        error instanceof CoffreError &&
        error.code === 'CONFIG_REFUSED' &&
        error.facts['expected'] === JSON.parse(manifest).engines.node,
    )
  })
}
