import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { blankText, findFunctions, findImports } from './scan.ts'

const specifiers = (source: string): string[] => findImports(source).map(({ specifier }) => specifier)

describe('the scanner', () => {
  test('keeps every offset and line', () => {
    const source = "const a = 'it\\'s' // x\n/* b\n*/ const c = `t${ { d: 'e' }.d }u`\nconst f = /[/'\"]/g\n"
    const code = blankText(source)
    assert.equal(code.length, source.length)
    assert.equal(code.split('\n').length, source.split('\n').length)
    assert.equal(
      code.replace(/ +/g, ' '),
      "const a = ' ' \n \n const c = ` ${ { d: ' ' }.d } `\nconst f = g\n",
    )
  })

  test('takes a division for a division and a regular expression for one', () => {
    assert.equal(blankText("a = b / c / d; e('f')"), "a = b / c / d; e(' ')")
    assert.equal(blankText("a = (b) / 2 + '//'"), "a = (b) / 2 + '  '")
    assert.equal(blankText("return /'/.test(b)"), 'return    .test(b)')
  })

  test('finds every form of import, and no text that looks like one', () => {
    const source = [
      "import a from './a.ts'",
      "import type { B } from './b.ts'",
      "import { c, type D } from './c.ts'",
      "import './e.ts'",
      "export * from './f.ts'",
      "export type { G } from './g.ts'",
      "const h = await import('./h.ts')",
      "import i, {\n  j, // import './no.ts'\n} from './i.ts'",
      "const no = \"from './no.ts'\" + Array.from('no')",
      "import k from './k.json' with { type: 'json' }",
      "// import l from './no.ts'",
    ].join('\n')
    assert.deepEqual(
      specifiers(source).toSorted(),
      ['a.ts', 'b.ts', 'c.ts', 'e.ts', 'f.ts', 'g.ts', 'h.ts', 'i.ts', 'k.json'].map((name) => `./${name}`),
    )
    const types = findImports(source).filter(({ typeOnly }) => typeOnly)
    assert.deepEqual(
      types.map(({ specifier, line }) => [specifier, line]),
      [
        ['./b.ts', 2],
        ['./g.ts', 6],
      ],
    )
  })

  test('finds functions of every form, and no other block', () => {
    const functions = [
      'function a() {\n}',
      'function b(x: { y: string }, z = {}): Promise<void> {\n}',
      'function c(): { d: string } {\n}',
      'const e = async (x) => {\n}',
      'class F {\n  constructor(x) {\n}\n  get g(): number {\n}\n}',
      'const h = { i() {\n} }',
    ]
    const others = [
      'if (a) {\n}',
      'for (let i = 0; i < n; i++) {\n}',
      'switch (x) {\n}',
      'class A extends B {\n}',
      'const a = {\n}',
      'f({\n})',
      'try {\n} catch (error) {\n} finally {\n}',
      "const a = 'f() {\n'",
    ]
    const count = (sources: readonly string[]): number[] =>
      sources.map((source) => findFunctions(source).length)
    assert.deepEqual(count(functions), [1, 1, 1, 1, 2, 1])
    assert.deepEqual(
      count(others),
      Array.from(others, () => 0),
    )
  })
})
