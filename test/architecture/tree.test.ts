import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { MAY_IMPORT } from './layers.ts'
import { readTree } from './read-tree.ts'
import { RULES } from './rules.ts'
import { findFunctions, findImports } from './scan.ts'

const tree = readTree()

describe('the architecture of this tree', () => {
  test('is read from enough sources, imports and functions for the rules to mean something', (t) => {
    const sources = [...tree].filter(([path]) => path.startsWith('src/'))
    const imports = sources.flatMap(([, text]) => findImports(text)).length
    const functions = sources.flatMap(([, text]) => findFunctions(text)).length
    t.diagnostic(`cases: ${sources.length} source files, ${imports} imports, ${functions} functions`)
    assert.ok(sources.length >= 20 && imports >= 40 && functions >= 40)
  })

  test('has a row of the layer table for every folder of src that holds code', () => {
    const folders = [...tree.keys()].flatMap((path) => path.match(/^src\/([^/]+)\/.*\.ts$/)?.[1] ?? [])
    assert.ok(folders.length > 0)
    assert.deepEqual(
      [...new Set(folders)].filter((folder) => MAY_IMPORT[folder] === undefined),
      [],
    )
  })

  for (const [name, rule] of Object.entries(RULES)) {
    test(`breaks no rule of: ${name}`, () => {
      const lines = rule(tree).map((violation) => `${violation.at}: ${violation.why}`)
      assert.equal(lines.length, 0, `\n${lines.join('\n')}`)
    })
  }
})
