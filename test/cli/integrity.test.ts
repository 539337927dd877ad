import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { describe, test } from 'node:test'
import { CoffreLine } from './coffre-process.ts'

describe('what does not verify', () => {
  test('in the audit log is named, with exit code 3', async (t) => {
    const cli = new CoffreLine(t)
    await cli.prepare('init', 'key create invoices')
    const database = new DatabaseSync(join(cli.dataDir, 'coffre.db'))
    const changed = database
      .prepare('UPDATE audit_record SET body = replace(body, ?, ?) WHERE body LIKE ?')
      .run('invoices', 'invoicez', '%"key.create"%"invoices"%')
    database.close()
    assert.equal(changed.changes, 1)
    const verified = await cli.run(['audit', 'log', 'verify', '--json'])
    assert.equal(verified.code, 3)
    const view = JSON.parse(verified.out)
    assert.equal(view.valid, false)
    const shown = await cli.run(['audit', 'log', 'verify'])
    assert.match(shown.out, new RegExp(`DAMAGED. First bad record: ${view.firstBadIndex}`))
  })

  test('is named even where the end of the audit log is gone and nothing else opens', async (t) => {
    const cli = new CoffreLine(t)
    await cli.prepare('init', 'key create invoices', 'key create orders')
    const database = new DatabaseSync(join(cli.dataDir, 'coffre.db'))
    const { last } = database.prepare('SELECT max(idx) AS last FROM audit_record').get() as { last: number }
    database.prepare('DELETE FROM audit_record WHERE idx = ?').run(last)
    database.close()
    const verified = await cli.run(['audit', 'log', 'verify', '--json'])
    assert.equal(verified.code, 3)
    const { valid, firstBadIndex, reason } = JSON.parse(verified.out)
    assert.deepEqual(
      { valid, firstBadIndex, reason },
      { valid: false, firstBadIndex: last, reason: 'missing' },
    )
    const refused = await cli.run(['key', 'list'])
    assert.equal(refused.code, 3)
    assert.match(refused.error, /AUDIT_DAMAGED/)
  })

  test('in a file leaves no file, whole or in part', async (t) => {
    const cli = new CoffreLine(t)
    await cli.prepare('init', 'key create invoices')
    const plain = Buffer.alloc(300_000, 'canary')
    writeFileSync(cli.path('plain'), plain)
    await cli.ok(`file encrypt invoices --context a=b --in ${cli.path('plain')} --out ${cli.path('sealed')}`)
    await cli.ok(`file decrypt --context a=b --in ${cli.path('sealed')} --out ${cli.path('back')}`)
    assert.deepEqual(readFileSync(cli.path('back')), plain)
    const sealed = readFileSync(cli.path('sealed'))
    writeFileSync(cli.path('cut'), sealed.subarray(0, -1))
    const line = `file decrypt --context a=b --in ${cli.path('cut')} --out ${cli.path('out')}`
    const refused = await cli.run(line.split(' '))
    assert.equal(refused.code, 3)
    assert.match(refused.error, /DECRYPTION_FAILED/)
    assert.ok(!existsSync(cli.path('out')))
    assert.deepEqual(
      readdirSync(cli.folder).filter((name) => name.startsWith('.')),
      [],
    )
  })
})
