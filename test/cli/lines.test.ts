import assert from 'node:assert/strict'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { CoffreLine, CoffreProcess } from './coffre-process.ts'

describe('--lines', { concurrency: 2 }, () => {
  test('keeps 2,500 values in order through encrypt, rewrap and decrypt', async (t) => {
    const cli = new CoffreProcess(t)
    await cli.prepare('init', 'key create invoices')
    const values = Array.from({ length: 2_500 }, (_, index) => (index % 100 === 7 ? '' : `value ${index} é`))
    const input = `${values.join('\n')}\n`
    const sealed = await cli.ok('encrypt invoices --lines', { input })
    assert.equal(sealed.out.split('\n').length, 2_501)
    await cli.prepare('key rotate invoices')
    const moved = await cli.ok('rewrap --lines', { input: sealed.out })
    const back = await cli.ok('decrypt --lines', { input: moved.out })
    assert.equal(back.out, input)
    assert.match(back.error, /2500 lines/)
  })

  test('takes a last line without a line feed as a value', async (t) => {
    const cli = new CoffreLine(t)
    await cli.prepare('init', 'key create invoices')
    const sealed = await cli.ok('encrypt invoices --lines -q', { input: 'a\n\nb' })
    assert.equal(sealed.error, '')
    assert.equal((await cli.ok('decrypt --lines', { input: sealed.out })).out, 'a\n\nb\n')
    assert.equal((await cli.ok('encrypt invoices --lines', { input: '' })).out, '')
  })

  test('stops at the first line that fails, names it, and leaves no file behind', async (t) => {
    const cli = new CoffreProcess(t)
    await cli.prepare('init', 'key create invoices')
    const [a, b] = (await cli.ok('encrypt invoices --lines', { input: 'a\nb\n' })).out.split('\n')
    const input = `${a}\n${a?.slice(0, -4)}AAAA\n${b}\n`
    const failed = await cli.run(['decrypt', '--lines'], { input })
    assert.equal(failed.code, 3)
    assert.equal(failed.out, 'a\n')
    assert.match(failed.error, /line: 2/)
    writeFileSync(join(cli.folder, 'in'), input)
    assert.equal((await cli.run(['decrypt', '--lines', '--in', 'in', '--out', 'out'])).code, 3)
    assert.ok(!existsSync(join(cli.folder, 'out')))
    await cli.ok('encrypt invoices --lines --in in --out out')
    assert.equal(readFileSync(join(cli.folder, 'out'), 'utf8').split('\n').length, 4)
  })

  test('under --json lets every line answer for itself', async (t) => {
    const cli = new CoffreLine(t)
    await cli.prepare('init', 'key create invoices')
    const sealed = await cli.ok('encrypt invoices --lines --json', { input: 'a\nb\n' })
    const items = sealed.out
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line))
    assert.deepEqual(
      items.map((item) => [item.ok, item.value.version]),
      [
        [true, 1],
        [true, 1],
      ],
    )
    const input = `junk\n${items[1].value.ciphertext}\n`
    const opened = await cli.run(['decrypt', '--lines', '--json'], { input })
    assert.equal(opened.code, 3)
    const [bad, good] = opened.out
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line))
    assert.equal(bad.error.code, 'DECRYPTION_FAILED')
    assert.equal(Buffer.from(good.value.plaintext, 'base64').toString(), 'b')
  })

  test('refuses a plaintext with a line break, which would shift the lines after it', async (t) => {
    const cli = new CoffreLine(t)
    await cli.prepare('init', 'key create invoices')
    const { out } = await cli.ok('encrypt invoices', { input: 'a\nb' })
    const refused = await cli.run(['decrypt', '--lines'], { input: out })
    assert.equal(refused.code, 2)
    assert.match(refused.error, /line 1 /)
  })

  test('refuses a line above the limit', async (t) => {
    const cli = new CoffreLine(t)
    await cli.prepare('init', 'key create invoices')
    const input = Buffer.concat([Buffer.from('a\n'), Buffer.alloc(1024 * 1024 + 1, 'b')])
    const refused = await cli.run(['encrypt', 'invoices', '--lines'], { input })
    assert.equal(refused.code, 2)
    assert.match(refused.error, /LIMIT_EXCEEDED[\s\S]*line: 2/)
  })
})
