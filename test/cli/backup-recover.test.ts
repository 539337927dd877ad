import assert from 'node:assert/strict'
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { describe, test, type TestContext } from 'node:test'
import { POSTGRES_15, startPostgres } from '../postgres-server.ts'
import { CoffreLine } from './coffre-process.ts'

const SECRET = 'Marie Curie'

/** A Coffre with a ciphertext and a backup of its store. Then its machine burns: nothing is left but the target and the paper. */
async function burn(t: TestContext, init: string, more: (cli: CoffreLine) => Promise<void> = async () => {}) {
  const cli = new CoffreLine(t)
  mkdirSync(cli.path('target'), { mode: 0o700 })
  cli.environment['COFFRE_BACKUP_TARGET'] = cli.path('target')
  const shares: string[] = []
  if (init === 'shamir') {
    await cli.ok(`init --seal shamir --shares 3 --threshold 2 --shares-dir ${cli.path('shares')}`)
    shares.push(
      ...readdirSync(cli.path('shares'))
        .slice(0, 2)
        .map((name) => cli.path(`shares/${name}`)),
    )
  } else if (init === 'passphrase') {
    writeFileSync(cli.path('phrase'), 'correct horse battery staple\n')
    cli.environment['COFFRE_PASSPHRASE_FILE'] = cli.path('phrase')
    await cli.ok('init --seal passphrase')
  } else await cli.ok('init')
  const unseal = shares.map((path) => ` --share-file ${path}`).join('')
  await cli.ok(`key create invoices${unseal}`)
  writeFileSync(cli.path('plain'), SECRET)
  writeFileSync(cli.path('sealed'), (await cli.ok(`encrypt invoices --in ${cli.path('plain')}${unseal}`)).out)
  const made = await cli.json(
    `backup recovery-key --out ${cli.path('sheet.txt')} --public-out ${cli.path('recovery.pub')} -y${unseal}`,
  )
  const signer = (made['signers'] as string[]).join()
  writeFileSync(cli.path('typed'), secretOf(readFileSync(cli.path('sheet.txt'), 'utf8')), { mode: 0o600 })
  cli.environment['COFFRE_BACKUP_RECOVERY'] = cli.path('recovery.pub')
  await more(cli)
  await cli.ok(`backup create own --store${unseal}`)
  renameSync(cli.dataDir, cli.path('burnt'))
  rmSync(cli.path('.local'), { recursive: true })
  const recover = `backup recover --recovery-key-file ${cli.path('typed')} --signer ${signer}`
  const reads = async (with_ = unseal) =>
    assert.equal((await cli.ok(`decrypt --in ${cli.path('sealed')}${with_}`)).out.trim(), SECRET)
  return { cli, recover, signer, unseal, reads }
}

function secretOf(page: string): string {
  return /COFFRE-(?:RECOVERY|SEAL-KEY)-[0-9A-Z-]+(?:\n[0-9A-Z-]+)*/.exec(page)?.[0].replaceAll('\n', '') ?? ''
}

describe('coffre backup recover', () => {
  test('brings a Coffre with a key file back from the target and one sheet', async (t) => {
    const { cli, signer, reads } = await burn(t, '', async (before) => {
      await before.ok(`backup recovery-key --from-seal --public-out ${before.path('seal.pub')}`)
      await before.ok(`operator recovery-sheet --out ${before.path('seal.txt')} -y`)
      before.environment['COFFRE_BACKUP_RECOVERY'] = before.path('seal.pub')
    })
    writeFileSync(cli.path('typed'), secretOf(readFileSync(cli.path('seal.txt'), 'utf8')), { mode: 0o600 })
    const recover = `backup recover --recovery-key-file ${cli.path('typed')} --signer ${signer}`
    const untrusted = await cli.run(['backup', 'recover', '--recovery-key-file', cli.path('typed')])
    assert.deepEqual([untrusted.code, /BACKUP_UNTRUSTED/.test(untrusted.error)], [3, true])
    assert.ok(!existsSync(cli.dataDir))
    const done = await cli.run(recover.split(' '))
    assert.equal(done.code, 0, done.error)
    assert.match(
      done.error,
      /The Coffre of own 1, made 20\S+, is in \S+coffre-data, and it opens. It took \d+\.\d s\./,
    )
    assert.match(done.error, /^Next: `coffre audit log verify --data-dir /m)
    await reads()
    await cli.ok('audit log verify')
    await cli.ok(`backup create own --store`)
    const again = await cli.run(recover.split(' '))
    assert.match(again.error, /the data folder is not empty/)
    assert.deepEqual(
      readdirSync(cli.folder).filter((name) => name.includes('.recover_')),
      [],
    )
  })

  test('takes the sheet of the seal key beside that of the recovery key, and refuses one of another Coffre', async (t) => {
    const { cli, recover, reads } = await burn(t, '', async (before) => {
      await before.ok(`operator recovery-sheet --out ${before.path('seal.txt')} -y`)
      await before.ok(`init --data-dir ${before.path('other')}`)
      await before.ok(
        `operator recovery-sheet --out ${before.path('other.txt')} -y --data-dir ${before.path('other')}`,
      )
    })
    const missing = await cli.run(recover.split(' '))
    assert.deepEqual([missing.code, /--seal-key-file/.test(missing.error)], [4, true])
    writeFileSync(cli.path('wrong'), secretOf(readFileSync(cli.path('other.txt'), 'utf8')))
    const wrong = await cli.run([...recover.split(' '), '--seal-key-file', cli.path('wrong')])
    assert.deepEqual(
      [wrong.code, /PASSPHRASE_WRONG/.test(wrong.error), existsSync(cli.dataDir)],
      [4, true, false],
    )
    writeFileSync(cli.path('seal'), secretOf(readFileSync(cli.path('seal.txt'), 'utf8')))
    await cli.ok(`${recover} --seal-key-file ${cli.path('seal')}`)
    await reads()
  })

  test('brings one with a passphrase back, with it', async (t) => {
    const { cli: burnt, recover, reads } = await burn(t, 'passphrase')
    const phrase = `--passphrase-file ${burnt.path('phrase')}`
    delete burnt.environment['COFFRE_PASSPHRASE_FILE']
    const missing = await burnt.run(recover.split(' '))
    assert.deepEqual([missing.code, existsSync(burnt.dataDir)], [4, false])
    await burnt.ok(`${recover} ${phrase}`)
    await reads(` ${phrase}`)
  })

  test('brings one with shares back, with enough of them', async (t) => {
    const { cli, recover, unseal, reads } = await burn(t, 'shamir')
    const missing = await cli.run([...recover.split(' '), ...unseal.trim().split(' ').slice(0, 2)])
    assert.deepEqual([missing.code, existsSync(cli.dataDir)], [4, false])
    await cli.ok(`${recover}${unseal}`)
    await reads()
  })

  test('brings everything else on the target back as well, opened by two of three sheets', {
    skip: POSTGRES_15.skip,
  }, async (t) => {
    const server = await startPostgres(t, { release: POSTGRES_15 })
    const url = await server.makeDatabase()
    const { cli, signer, reads } = await burn(t, '', async (before) => {
      await before.ok(
        `backup recovery-key --shares 3 --threshold 2 --out ${before.path('share.txt')} --public-out ${before.path('shared.pub')} -y`,
      )
      before.environment['COFFRE_BACKUP_RECOVERY'] = before.path('shared.pub')
      before.environment['COFFRE_BACKUP_DATABASE_URL'] = url
      mkdirSync(before.path('site'))
      writeFileSync(before.path('site/index.html'), '<h1>hello</h1>')
      await before.ok(`backup create site --files ${before.path('site')}`)
      const app = new DatabaseSync(before.path('app.db'))
      app.exec('create table note (text)')
      app.close()
      await before.ok(`backup create app --sqlite ${before.path('app.db')}`)
      const client = await server.connect(url)
      await client.query('create table note as select g as id from generate_series(1, 500) g')
      await client.end()
      await before.ok('backup create shop --postgres env')
      await before.ok(
        `backup create other --no-key --recovery ${before.path('recovery.pub')} --in ${before.path('plain')}`,
      )
      await before.ok(`operator recovery-sheet --out ${before.path('seal.txt')} -y`)
    })
    writeFileSync(cli.path('seal'), secretOf(readFileSync(cli.path('seal.txt'), 'utf8')))
    const shares = [1, 3].map((number) => {
      const path = cli.path(`share-${number}-of-3.txt`)
      writeFileSync(path, secretOf(readFileSync(path, 'utf8')))
      return ['--recovery-key-file', path]
    })
    const line = ['backup', 'recover', '--signer', signer, '--seal-key-file', cli.path('seal')]
    const one = await cli.run([...line, ...(shares[0] ?? [])])
    assert.deepEqual([one.code, /BACKUP_KEY_MISSING[^]*needed: 2/.test(one.error)], [4, true])
    const admin = await server.connect('postgres')
    await admin.query(`drop database ${new URL(url).pathname.slice(1)}`)
    await admin.end()
    const all = ['--all-into', cli.path('everything'), '--databases', 'env']
    const done = await cli.run([...line, ...shares.flat(), ...all, '--json'])
    // One series is for another recovery key: it stops no other, and is told.
    assert.equal(done.code, 1, done.error)
    const recovered = JSON.parse(done.out) as {
      others: { series: string; code?: string }[]
      milliseconds: number
    }
    assert.deepEqual(
      recovered.others.map(({ series, code }) => [series, code]),
      [
        ['app', undefined],
        ['other', 'BACKUP_KEY_MISSING'],
        ['shop', undefined],
        ['site', undefined],
      ],
    )
    await reads()
    assert.equal(readFileSync(cli.path('everything/site/index.html'), 'utf8'), '<h1>hello</h1>')
    const app = new DatabaseSync(cli.path('everything/app'))
    assert.deepEqual(app.prepare('select count(*) as n from note').get()?.['n'], 0)
    app.close()
    const client = await server.connect(url)
    const { rows } = await client.query('select count(*)::int as n from note')
    await client.end()
    assert.deepEqual(rows, [{ n: 500 }])
  })
})
