import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import {
  CACHE_TYPES,
  daysBetween,
  findCacheName,
  formatCacheName,
  isDailyType,
  parseCacheName,
  parseCacheType,
  parseCacheUser,
  parseRawName,
} from '../../../src/model/cache-name.ts'
import { failsWith } from '../../temporary.ts'

const refused = failsWith('INVALID_REQUEST')
const PDL = '12345678901234'

describe('the name of a cache entry', () => {
  for (const type of CACHE_TYPES) {
    test(`of ${type} is read and written`, () => {
      const name = isDailyType(type) ? { type, pdl: PDL, date: '2024-02-29' } : { type, pdl: PDL }
      const text = formatCacheName(name)
      assert.deepEqual(parseCacheName(text), name)
      assert.deepEqual(findCacheName(text), name)
      assert.equal(parseCacheType(type), type)
      assert.throws(() => parseRawName(text), refused)
    })
  }

  for (const text of [
    '',
    'consumption:daily',
    'consumption:daily:123:2024-01-15',
    `consumption:daily:${PDL}`,
    `consumption:daily:${PDL}:2024-13-40`,
    `consumption:daily:${PDL}:2023-02-29`,
    `consumption:daily:${PDL}:2024-04-31`,
    `consumption:daily:${PDL}:2024-1-5`,
    `consumption:daily:${PDL}:2024-01-15:x`,
    `consumption:daily:${PDL}:2024-01-15 `,
    `consumption:daily:１２３４５６７８９０１２３４:2024-01-15`,
    `contract:${PDL}:2024-01-15`,
    `contract:${PDL}5`,
    `Contract:${PDL}`,
    `tempo:${PDL}`,
    `contract:${'1'.repeat(300)}`,
  ]) {
    test(`"${text.slice(0, 60)}" is refused`, () => {
      assert.throws(() => parseCacheName(text), refused)
      assert.equal(findCacheName(text), undefined)
    })
  }
})

describe('a name in the clear', () => {
  for (const text of ['tempo', 'tempo:2024-01-15', 'ecowatt:region_11:today']) {
    test(`"${text}" is taken`, () => assert.equal(parseRawName(text), text))
  }
  for (const text of [
    '',
    'contract',
    'Consumption:x',
    'production:',
    'coffre:cache:{u}:index',
    'a b',
    'a::b',
    'é',
  ]) {
    test(`"${text}" is refused`, () => assert.throws(() => parseRawName(text), refused))
  }
})

describe('a range of days', () => {
  test('has both ends, leap days and no gap', () => {
    assert.deepEqual(daysBetween('2024-02-28', '2024-03-01'), ['2024-02-28', '2024-02-29', '2024-03-01'])
    assert.equal(daysBetween('2022-01-01', '2024-12-30').length, 1_095)
    assert.deepEqual(daysBetween('2024-03-31', '2024-03-31'), ['2024-03-31'])
  })

  test('backwards, or of more than ten years, is refused', () => {
    assert.throws(() => daysBetween('2024-01-02', '2024-01-01'), refused)
    assert.throws(() => daysBetween('1990-01-01', '2024-01-01'), failsWith('LIMIT_EXCEEDED'))
  })
})

test('the id of a user is plain text without a place for another name', () => {
  for (const user of ['u-1', 'usr_3k9', 'a@b.example']) assert.equal(parseCacheUser(user), user)
  for (const user of ['', 'u:1', 'u}', '{u', '.u', 'u*', 'é', 'u'.repeat(129)]) {
    assert.throws(() => parseCacheUser(user), refused)
  }
})
