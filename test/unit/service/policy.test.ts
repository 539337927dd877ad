import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { parseKeyName, parsePolicyName } from '../../../src/model/ids.ts'
import { KEY_OPERATIONS, type KeyOperation, type PolicyRule } from '../../../src/model/policy.ts'
import { type Access, compileAccess } from '../../../src/service/policy/access.ts'
import { Pattern } from '../../../src/service/policy/pattern.ts'
import { parsePolicyDocument } from '../../../src/service/policy/policy-document.ts'
import { failsWith } from '../../temporary.ts'

const NAME = parsePolicyName('p')
const accessOf = (...rules: PolicyRule[]): Access =>
  compileAccess([NAME], [{ name: NAME, document: parsePolicyDocument({ rules }) }])
const key = (name: string, tags: Record<string, string> = {}) => ({
  name: parseKeyName(name),
  labels: { tags },
})
const wordOf = (access: Access, operation: KeyOperation, name: string, tags?: Record<string, string>) => {
  const judgement = access.judge(operation, key(name, tags))
  return typeof judgement === 'string' ? judgement : 'allowed'
}

describe('a pattern', () => {
  const cases: readonly [string, readonly string[], readonly string[]][] = [
    ['orders', ['orders'], ['orders-1', 'my-orders', 'order', 'ORDERS', '']],
    ['*', ['', 'a', '***'], []],
    ['orders-*', ['orders-', 'orders-eu'], ['orders', 'x-orders-eu']],
    ['*-eu', ['-eu', 'orders-eu'], ['orders-eu-1', 'eu']],
    ['a*b*c', ['abc', 'aXbYc', 'abbcc', 'abcbc'], ['ac', 'acb', 'ab', 'bc', 'abcd']],
    ['ab*ba', ['abba', 'ab-ba'], ['aba', 'ab', 'ba']],
    ['a**c', ['ac', 'abc'], ['a']],
    ['a.c', ['a.c'], ['abc']],
    ['[a-z]+(x|y)?', ['[a-z]+(x|y)?'], ['abcx']],
  ]
  for (const [pattern, matching, others] of cases) {
    test(`${pattern} matches whole texts, and only its star is special`, () => {
      for (const text of matching) assert.equal(new Pattern(pattern).matches(text), true, text)
      for (const text of others) assert.equal(new Pattern(pattern).matches(text), false, text)
    })
  }

  test('agrees with its meaning as a regular expression on every short text', () => {
    const texts = ['']
    for (const text of texts) if (text.length < 5) texts.push(`${text}a`, `${text}b`)
    for (const pattern of texts.flatMap((text) => [text, text.replaceAll('b', '*')])) {
      const expected = new RegExp(`^${pattern.replaceAll('*', '.*')}$`)
      for (const text of texts)
        assert.equal(new Pattern(pattern).matches(text), expected.test(text), `${pattern} ${text}`)
    }
  })
})

describe('policies', () => {
  test('hide a key that no rule covers, and forbid what no covering rule names', () => {
    const access = accessOf(
      { keys: ['orders-*'], operations: ['data.encrypt'] },
      { keys: ['people'], tags: { team: 'hr' }, operations: ['data.*'] },
    )
    assert.equal(wordOf(access, 'data.encrypt', 'orders-eu'), 'allowed')
    assert.equal(wordOf(access, 'data.decrypt', 'orders-eu'), 'forbidden')
    assert.equal(wordOf(access, 'data.encrypt', 'orders'), 'hidden')
    assert.equal(wordOf(access, 'data.sign', 'people', { team: 'hr', more: 'x' }), 'allowed')
    assert.equal(wordOf(access, 'key.read', 'people', { team: 'hr' }), 'forbidden')
    assert.equal(wordOf(access, 'data.sign', 'people', { team: 'it' }), 'hidden')
    assert.equal(wordOf(access, 'data.sign', 'people'), 'hidden')
    assert.equal(access.mayCover('people'), true)
    assert.equal(access.mayCover('orders'), false)
  })

  test('without rules allow nothing, and no rule borrows from another', () => {
    assert.ok(KEY_OPERATIONS.every((operation) => wordOf(accessOf(), operation, 'k') === 'hidden'))
    const access = accessOf(
      { keys: ['a'], operations: ['data.decrypt'], context: { tenant: ['x'] } },
      { keys: ['a'], operations: ['data.decrypt'], context: { user: ['y'] } },
    )
    const judgement = access.judge('data.decrypt', key('a'))
    assert.ok(typeof judgement === 'object' && judgement.asksContext)
    assert.equal(judgement.admits({ tenant: 'x' }), true)
    assert.equal(judgement.admits({ tenant: 'z', user: 'y', more: 'm' }), true)
    assert.equal(judgement.admits({ tenant: 'y', user: 'x' }), false)
    assert.equal(judgement.admits({}), false)
  })

  test('take a group of operations for each of its members', () => {
    const allowed = (operation: '*' | 'data.*' | 'key.*') => {
      const access = accessOf({ keys: ['*'], operations: [operation] })
      return KEY_OPERATIONS.filter((each) => wordOf(access, each, 'k') === 'allowed')
    }
    assert.deepEqual(allowed('*'), KEY_OPERATIONS)
    assert.deepEqual(allowed('data.*').concat(allowed('key.*')), KEY_OPERATIONS)
    assert.equal(allowed('key.*').length, 7)
  })

  test('never take what an object inherits for a tag or a context', () => {
    const access = accessOf({ keys: ['*'], tags: { constructor: 'x' }, operations: ['data.*'] })
    assert.equal(wordOf(access, 'data.sign', 'k'), 'hidden')
    const bound = accessOf({ keys: ['*'], operations: ['data.encrypt'], context: { toString: ['*'] } })
    const judgement = bound.judge('data.encrypt', key('k'))
    assert.ok(typeof judgement === 'object')
    assert.equal(judgement.admits({}), false)
    assert.equal(judgement.admits({ toString: 'own' }), true)
  })
})

describe('a policy document is refused', () => {
  const rule = { keys: ['*'], operations: ['data.encrypt'] }
  const cases: Readonly<Record<string, unknown>> = {
    'that is no object': [],
    'without rules': {},
    'with another member': { rules: [], version: 1 },
    'with more than 64 rules': { rules: Array.from({ length: 65 }, () => rule) },
    'with a rule without keys': { rules: [{ ...rule, keys: [] }] },
    'with a rule without operations': { rules: [{ ...rule, operations: [] }] },
    'with an unknown operation': { rules: [{ ...rule, operations: ['encrypt'] }] },
    'with an unknown member in a rule': { rules: [{ ...rule, effect: 'deny' }] },
    'with an empty pattern': { rules: [{ ...rule, keys: [''] }] },
    'with a pattern of 257 characters': { rules: [{ ...rule, keys: ['a'.repeat(257)] }] },
    'with a lone surrogate': { rules: [{ ...rule, keys: ['\ud800'] }] },
    'with 65 patterns': { rules: [{ ...rule, keys: Array.from({ length: 65 }, () => 'a') }] },
    'with empty tags, which would look like a condition': { rules: [{ ...rule, tags: {} }] },
    'with a tag that is no text': { rules: [{ ...rule, tags: { a: 1 } }] },
    'with an empty context': { rules: [{ ...rule, context: {} }] },
    'with a context value that is no list': { rules: [{ ...rule, context: { tenant: 'a' } }] },
    'with a context beside an operation that has none': {
      rules: [{ ...rule, operations: ['data.encrypt', 'data.sign'], context: { tenant: ['a'] } }],
    },
    'with a context beside a group': {
      rules: [{ ...rule, operations: ['data.*'], context: { tenant: ['a'] } }],
    },
  }
  for (const [what, document] of Object.entries(cases)) {
    test(what, () => assert.throws(() => parsePolicyDocument(document), failsWith('INVALID_REQUEST')))
  }

  test('and otherwise comes back as it was given', () => {
    const document = { rules: [{ ...rule, tags: { a: 'b' }, context: { tenant: ['a', 'b-*'] } }] }
    assert.deepEqual(parsePolicyDocument(document), document)
  })
})
