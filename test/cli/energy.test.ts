import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { describe, test } from 'node:test'
import { EnergyData } from '../../examples/energy/generator.ts'
import { makeFolder } from '../temporary.ts'
import { COMPILE_CACHE } from './coffre-process.ts'

const RUN = resolve(import.meta.dirname, '../../examples/energy/run.ts')

interface Finished {
  readonly code: number | null
  readonly out: string
  readonly error: string
}

function run(...args: readonly string[]): Promise<Finished> {
  const env = { ...process.env, NODE_COMPILE_CACHE: COMPILE_CACHE }
  return new Promise((done) => {
    const child = execFile(
      process.execPath,
      [RUN, '--package', 'source', ...args],
      { env },
      (_, out, error) => done({ code: child.exitCode, out, error }),
    )
  })
}

describe('the documents', () => {
  test('are the same for the same seed, and others for another', () => {
    const [first, again, other] = [1, 1, 2].map((seed) => new EnergyData({ seed, days: 10 }))
    assert.ok(first && again && other)
    for (let position = 0; position < first.count; position += 1) {
      assert.deepEqual(first.at(position), again.at(position))
      assert.notEqual(first.at(position).text, other.at(position).text)
    }
  })

  test('are three years of half-hours in local time for a point of 14 digits', () => {
    const data = new EnergyData({ seed: 1, days: 1_095 })
    const documents = Array.from({ length: data.count }, (_, position) => data.at(position))
    const curves = documents.filter(({ kind }) => kind === 'half-hourly')
    assert.match(data.pdl, /^\d{14}$/)
    assert.equal(curves.length, 1_095)
    assert.equal(
      curves.reduce((sum, { points }) => sum + points, 0),
      52_560,
    )
    assert.equal(curves.find(({ date }) => date === '2024-03-31')?.points, 46)
    assert.equal(curves.find(({ date }) => date === '2024-10-27')?.points, 50)
    assert.match(documents[1]?.text ?? '', /Résidence Les Évêchés/)
  })
})

describe('the energy example', { concurrency: 2 }, () => {
  for (const via of ['http', 'cli']) {
    test(`brings every byte back via ${via} and stops its server`, async (t) => {
      const folder = makeFolder(t)
      const { code, out, error } = await run('--via', via, '--days', '10', '--data-dir', folder, '--json')
      assert.equal(code, 0, error)
      const { documents, versions } = JSON.parse(out)
      assert.equal(documents, 22)
      assert.deepEqual(versions, { 1: 'destroyed', 2: 'active', 3: 'deactivated' })
      assert.match(error, /"destruction refused","version":1,"code":"KEY_VERSION_NEEDED"/)
      assert.ok(existsSync(join(folder, 'application.db')))
    })
  }

  test('has nothing left to do in a folder that is done, and refuses other documents there', async (t) => {
    const folder = makeFolder(t)
    assert.equal((await run('--days', '10', '--data-dir', folder)).code, 0)
    const again = await run('--days', '10', '--data-dir', folder, '--json')
    assert.deepEqual([JSON.parse(again.out).written, JSON.parse(again.out).rewrapped], [0, 0])
    const other = await run('--days', '11', '--data-dir', folder)
    assert.equal(other.code, 1)
    assert.match(other.error, /begun with --days 10/)
  })
})
