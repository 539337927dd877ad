import assert from 'node:assert/strict'
import { chmodSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test, type TestContext } from 'node:test'
import { encodeQR } from 'qr'
import { decodeQR } from 'qr/decode.js'
import { CoffreLine, startServer } from './coffre-process.ts'

/** A Coffre under 2 of 3 shares, and the options that give two of them. */
async function shared(t: TestContext) {
  const cli = new CoffreLine(t)
  const folder = cli.path('shares')
  await cli.prepare(`operator init --shares 3 --threshold 2 --shares-dir ${folder}`)
  const files = readdirSync(folder)
    .toSorted()
    .map((name) => join(folder, name))
  const give = (...numbers: readonly number[]) =>
    numbers.map((number) => `--share-file ${files[number - 1]}`).join(' ')
  return { cli, files, give }
}

/** The words of a sheet as somebody types them. */
function typedWords(page: string): string {
  const [, words = ''] = page.split('As words\n\n')
  return words
}

describe('coffre operator init', () => {
  test('writes each share to a file of its own, for its owner alone', async (t) => {
    const { files } = await shared(t)
    assert.equal(files.length, 3)
    for (const [index, file] of files.entries()) {
      assert.match(file, new RegExp(`share-${index + 1}-of-3-[0-9a-f]{8}\\.txt$`))
      assert.equal(statSync(file).mode & 0o777, 0o600)
      assert.match(readFileSync(file, 'utf8'), /^COFFRE-SHARE-[0-9A-Z-]+\n$/)
    }
  })

  test('makes nothing where the shares have no place to go', async (t) => {
    const cli = new CoffreLine(t)
    writeFileSync(cli.path('full'), '')
    for (const line of ['operator init', `operator init --shares-dir ${cli.folder}`]) {
      assert.equal((await cli.run(line.split(' '))).code, 2)
    }
    assert.ok(!readdirSync(cli.folder).includes('coffre-data'))
  })

  test('prints shares only when it is asked', async (t) => {
    const cli = new CoffreLine(t)
    const { out } = await cli.ok('init --seal shamir --shares 2 --threshold 2 --print-shares')
    assert.match(out, /^(COFFRE-SHARE-[0-9A-Z-]+\n){2}$/)
  })
})

describe('a folder under shares', () => {
  test('opens with enough of them, in any order', async (t) => {
    const { cli, give } = await shared(t)
    assert.equal((await cli.run(['key', 'list'])).code, 4)
    assert.equal((await cli.run(`key list ${give(1)}`.split(' '))).code, 4)
    await cli.ok(`key create k ${give(3, 1)}`)
    await cli.ok(`key list ${give(1, 2, 3)}`)
  })

  test('is rekeyed from shares to a passphrase, a file and other shares', async (t) => {
    const { cli, give } = await shared(t)
    writeFileSync(cli.path('phrase'), 'correct horse battery staple\n')
    await cli.ok(`key create k ${give(1, 2)}`)
    await cli.ok(`operator rekey --seal passphrase --new-passphrase-file ${cli.path('phrase')} ${give(1, 2)}`)
    const phrase = `--passphrase-file ${cli.path('phrase')}`
    await cli.ok(`operator rekey --seal file ${phrase}`)
    await cli.ok(`operator rekey --seal shamir --shares 4 --threshold 2 --shares-dir ${cli.path('new')}`)
    assert.equal((await cli.run(`key list ${give(1, 2)}`.split(' '))).code, 4)
    const [first = '', , third = ''] = readdirSync(cli.path('new')).toSorted()
    const now = [first, third].map((name) => `--share-file ${join(cli.path('new'), name)}`).join(' ')
    assert.match((await cli.ok(`key list ${now}`)).out, /^k {2}/m)
  })

  test('gets a new root key, and shows it', async (t) => {
    const { cli, give } = await shared(t)
    await cli.ok(`key create k ${give(1, 2)}`)
    const plan = await cli.json(`operator rotate-root --dry-run ${give(1, 2)}`)
    assert.deepEqual(plan['request'], { root: 2, seal: 'shamir' })
    assert.deepEqual(await cli.json(`operator rotate-root ${give(1, 2)}`), {
      rootGeneration: 2,
      rootRemaining: 0,
    })
    const status = await cli.json(`status ${give(2, 3)}`)
    assert.deepEqual([status['sealed'], status['rootGeneration']], [false, 2])
    await cli.ok(`key rotate k ${give(2, 3)}`)
  })
})

test('a share on the command line is refused, and named as what it is', async (t) => {
  const { cli, files } = await shared(t)
  const share = readFileSync(files[0] ?? '', 'utf8').trim()
  for (const text of [share, share.toLowerCase(), share.replaceAll('-', '').replace('SHARE', 'SHARE-')]) {
    const { code, error } = await cli.run(['operator', 'unseal', text])
    assert.equal(code, 2)
    assert.match(error, /command line, where every user/)
    assert.ok(!error.includes(share.slice(13, 30)))
  }
})

test('people unseal a server one after another, and begin anew', async (t) => {
  const { cli, files, give } = await shared(t)
  const server = await startServer(t, cli, ['--data-dir', cli.dataDir])
  cli.environment['COFFRE_ADDR'] = server.url
  cli.environment['COFFRE_TOKEN_FILE'] = join(cli.dataDir, 'first-token')
  const first = await cli.json(`operator unseal ${give(1)}`)
  assert.deepEqual([first['sealed'], first['sharesGiven'], first['sharesNeeded']], [true, 1, 2])
  assert.match((await cli.ok('operator unseal --reset')).error, /0 of 2 shares/)
  await cli.ok(`operator unseal ${give(2)}`)
  const again = await cli.run(`operator unseal ${give(2)}`.split(' '))
  assert.deepEqual([again.code, again.error.includes('SHARE_REPEATED')], [4, true])
  // Words, from standard input.
  await cli.ok(`operator recovery-sheet --share-file ${files[2]} --out ${cli.path('s.txt')} --yes`)
  const typed = typedWords(readFileSync(cli.path('s.txt'), 'utf8'))
  const { error } = await cli.ok('unseal --share-file -', { input: typed })
  assert.match(error, /unsealed/)
})

test('several people hold a ceremony from several command lines', async (t) => {
  const { cli, give } = await shared(t)
  const server = await startServer(t, cli, ['--data-dir', cli.dataDir])
  cli.environment['COFFRE_ADDR'] = server.url
  cli.environment['COFFRE_TOKEN_FILE'] = join(cli.dataDir, 'first-token')
  await cli.ok(`unseal ${give(1, 2)}`)
  const begun = await cli.run(
    `operator rekey --seal shamir --shares 2 --threshold 2 --shares-dir ${cli.path('new')} ${give(1)}`.split(
      ' ',
    ),
  )
  assert.equal(begun.code, 1)
  const nonce = begun.out.trim()
  assert.match((await cli.ok('operator ceremony show')).out, /Given +1 \/ 2/)
  await cli.ok(`operator ceremony give --nonce ${nonce} ${give(3)}`)
  await cli.ok(`operator ceremony collect --nonce ${nonce} --shares-dir ${cli.path('new')}`)
  const made = readdirSync(cli.path('new')).map((name) => join(cli.path('new'), name))
  for (const file of made) await cli.ok(`operator ceremony give --nonce ${nonce} --share-file ${file}`)
  assert.equal((await cli.json('operator ceremony show'))['phase'], 'none')
  await cli.ok('seal')
  for (const file of made) await cli.ok(`unseal --share-file ${file}`)
  assert.equal((await cli.json('status'))['sealed'], false)
  // Whoever occupies the place is put out by a quorum, without a nonce.
  await cli.run(['operator', 'rotate-root'])
  for (const file of made) await cli.ok(`operator ceremony take-over --share-file ${file}`)
  assert.equal((await cli.json('operator ceremony show'))['phase'], 'none')
})

describe('a recovery sheet', () => {
  test('shows the share as a QR code, words and text, in each language', async (t) => {
    const { cli, files } = await shared(t)
    const share = readFileSync(files[1] ?? '', 'utf8').trim()
    for (const [lang, title] of [
      ['en', 'Coffre: share 2 of 3'],
      ['fr', 'Coffre\u00A0: part 2 sur 3'],
      ['de', 'Coffre: Anteil 2 von 3'],
    ] as const) {
      const out = cli.path(`${lang}.html`)
      await cli.ok(`operator recovery-sheet --share-file ${files[1]} --out ${out} --yes --lang ${lang}`)
      const page = readFileSync(out, 'utf8')
      assert.equal(statSync(out).mode & 0o777, 0o600)
      assert.ok(page.includes(`<h1>${title}</h1>`), page.slice(0, 2_000))
      assert.ok(page.includes(`<pre>${share}</pre>`))
      // The code on the page is that of the share, and a reader reads it.
      assert.ok(page.includes(encodeQR(share, 'svg', { ecc: 'medium', border: 2 })))
      assert.doesNotMatch(page, /<script|https?:\/\/(?!…|www\.w3\.org)/)
    }
    assert.equal(scan(share), share)
  })

  test('brings a key file back, and no other', async (t) => {
    const cli = new CoffreLine(t)
    await cli.prepare('init', 'key create k')
    const keyFile = join(cli.dataDir, 'seal.key')
    const before = readFileSync(keyFile, 'utf8')
    await cli.ok(`operator recovery-sheet --out ${cli.path('key.txt')} --yes`)
    const typed = typedWords(readFileSync(cli.path('key.txt'), 'utf8'))
    const restore = (input: string) => cli.run(['operator', 'restore-seal-key'], { input })
    assert.equal((await restore(typed)).code, 78, 'never over a file that is there')
    rmSync(keyFile)
    const other = new CoffreLine(t)
    await other.prepare('init')
    await other.ok(`operator recovery-sheet --out ${other.path('key.txt')} --yes`)
    const foreign = await restore(typedWords(readFileSync(other.path('key.txt'), 'utf8')))
    assert.match(foreign.error, /PASSPHRASE_WRONG/)
    assert.match((await restore(typed.replace(/\w{4}\s*$/, 'zoo'))).error, /SHARE_INVALID/)
    assert.equal((await restore(typed)).code, 0)
    assert.equal(readFileSync(keyFile, 'utf8'), before)
    assert.equal(statSync(keyFile).mode & 0o777, 0o600)
    assert.match((await cli.ok('key list')).out, /^k {2}/m)
  })

  test('is never written without a word, and never over a file', async (t) => {
    const { cli, files } = await shared(t)
    const line = `operator recovery-sheet --share-file ${files[0]} --out ${cli.path('s.html')}`
    assert.match((await cli.run(line.split(' '))).error, /--yes/)
    await cli.ok(`${line} --yes`)
    chmodSync(cli.path('s.html'), 0o600)
    assert.equal((await cli.run(`${line} --yes`.split(' '))).code, 2)
  })
})

/** What a camera sees of the code, and the package's own reader of it. */
function scan(text: string): string {
  const scale = 4
  const modules = encodeQR(text, 'raw', { ecc: 'medium', border: 4 })
  const size = modules.length * scale
  const data = new Uint8Array(size * size * 4)
  for (let at = 0; at < size * size; at += 1) {
    const isDark = modules[Math.floor(at / size / scale)]?.[Math.floor((at % size) / scale)] === true
    data.fill(isDark ? 0 : 255, at * 4, at * 4 + 3)
    data[at * 4 + 3] = 255
  }
  return decodeQR({ width: size, height: size, data })
}
