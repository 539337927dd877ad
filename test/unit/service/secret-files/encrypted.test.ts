import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { describe, test } from 'node:test'
import {
  coffreHolder,
  decryptSecretFile,
  diffSecretFile,
  editSecretFile,
  encryptSecretFile,
  passphraseHolder,
  readVariables,
} from '../../../../src/app-secret-files.ts'
import { initCoffre, openCoffre } from '../../../../src/app.ts'
import { hasCode } from '../../../../src/model/errors.ts'
import { Secret } from '../../../../src/model/secret.ts'
import { TestProject } from './project.ts'

const HOLDER = passphraseHolder(new Secret('a passphrase of the file'))
const ENV = '# the shop\r\nexport SECRET_KEY=\'a # b\' # why\r\nPORT=3000\r\nEMPTY=\r\nLONG="one\r\ntwo"\r\n'
const TOML =
  '# the shop\nKEY = "one"\nports = [ 1, # first\n  2 ]\n\n[db] # main\nKEY = "two"\n\n[[x]]\nKEY = 1\n[[x]]\nKEY = 2\n'

describe('an encrypted file', () => {
  for (const [path, text] of [
    ['.env', ENV],
    ['secrets.toml', TOML],
  ] as const) {
    test(`of ${path} shows names and comments, no value, and comes back byte for byte`, async (t) => {
      const project = new TestProject(t, { [path]: text })
      assert.equal(await encryptSecretFile(project.parts, path, HOLDER), `${path}.enc`)
      const sealed = project.read(`${path}.enc`)
      for (const shown of ['# the shop', 'KEY']) assert.ok(sealed.includes(shown))
      for (const hidden of ['a # b', '3000', 'one', 'two', 'first'])
        assert.ok(!sealed.includes(hidden), hidden)
      assert.equal(await decryptSecretFile(project.folder, `${path}.enc`, HOLDER), text)
    })
  }

  test('keeps the bytes of values that did not change', async (t) => {
    const project = new TestProject(t, { '.env': 'A=one\nB=two\n' })
    await encryptSecretFile(project.parts, '.env', HOLDER)
    const before = project.read('.env.enc').split('\n')
    project.write('.env', 'A=one\nB=three\n')
    assert.deepEqual(await diffSecretFile(project.folder, '.env.enc', HOLDER), {
      added: [],
      removed: [],
      changed: ['B'],
    })
    await encryptSecretFile(project.parts, '.env', HOLDER)
    const after = project.read('.env.enc').split('\n')
    assert.deepEqual(after.slice(0, 3), before.slice(0, 3))
    assert.notEqual(after[3], before[3])
  })

  test('opens under its own name only, and no value under another', async (t) => {
    const project = new TestProject(t, { '.env': 'A=one\nB=two\n' })
    await encryptSecretFile(project.parts, '.env', HOLDER)
    const text = project.read('.env.enc')
    const [head, slot, a = '', b = ''] = text.split('\n')
    const swapped = [head, slot, `A=${b.slice(2)}`, `B=${a.slice(2)}`, ''].join('\n')
    const flipped = text.replace(/.(?=\nB=)/, (last) => (last === 'A' ? 'B' : 'A'))
    for (const [path, changed] of [
      ['.env.enc', swapped],
      ['.env.enc', flipped],
      ['.env.other.enc', text],
    ] as const) {
      project.write(path, changed)
      await assert.rejects(decryptSecretFile(project.folder, path, HOLDER), (error) =>
        hasCode(error, 'DECRYPTION_FAILED'),
      )
    }
    project.write('.env.enc', text)
    const other = passphraseHolder(new Secret('another'))
    await assert.rejects(decryptSecretFile(project.folder, '.env.enc', other), (error) =>
      hasCode(error, 'PASSPHRASE_WRONG'),
    )
  })

  test('is not made of a file with lines that would stay readable', async (t) => {
    const project = new TestProject(t, { '.env': 'A=one\njust a secret\n' })
    await assert.rejects(encryptSecretFile(project.parts, '.env', HOLDER), (error) =>
      hasCode(error, 'SECRET_FILE_REFUSED'),
    )
    assert.deepEqual(Object.keys(project.snapshot()), ['.env'])
  })

  test('is edited in a private copy, and left alone where the editor fails', async (t) => {
    const project = new TestProject(t, { '.env': 'A=one\n' })
    await encryptSecretFile(project.parts, '.env', HOLDER)
    const before = project.read('.env.enc')
    const path = '.env.enc'
    const fails = editSecretFile(
      project.parts,
      { path, change: () => Promise.reject(new Error('no')) },
      HOLDER,
    )
    await assert.rejects(fails, /no/)
    assert.equal(await editSecretFile(project.parts, { path, change: async () => undefined }, HOLDER), false)
    assert.equal(project.read('.env.enc'), before)
    const change = async (copy: string) => writeFileSync(copy, 'A=one\nB=two\n')
    assert.equal(await editSecretFile(project.parts, { path, change }, HOLDER), true)
    assert.equal(await decryptSecretFile(project.folder, path, HOLDER), 'A=one\nB=two\n')
    assert.equal(project.read('.env.enc').split('\n')[2], before.split('\n')[2])
  })

  test('under a key of a Coffre, which records each opening', async (t) => {
    const project = new TestProject(t, { '.env': 'A=one\n' })
    const dataDir = project.path('coffre-data')
    await initCoffre({ dataDir })
    const coffre = await openCoffre({ dataDir })
    t.after(() => coffre.close())
    await coffre.keys.create({ name: 'shop' })
    await encryptSecretFile(project.parts, '.env', coffreHolder(coffre, 'shop'))
    const holder = coffreHolder(coffre)
    assert.deepEqual(await readVariables(project.folder, ['.env.enc'], { holder }), { A: 'one' })
    const actions = (await coffre.audit.list({ last: 10 })).map(({ action }) => action)
    assert.ok(actions.includes('data.decrypt'))
  })
})
