import assert from 'node:assert/strict'
import type { Form } from '../../src/service/secret-files/file/reader.ts'
import { encryptText, openText } from '../../src/service/secret-files/encrypted/encrypted-text.ts'
import type { FileKeyHolder } from '../../src/service/secret-files/encrypted/file-key.ts'
import type { FuzzedParser } from './parsers.ts'

const PLAIN = {
  dotenv: "# of the shop\nSECRET_KEY='one two'\nexport TOKEN=plain\n",
  toml: '# of the shop\nSECRET_KEY = "one two"\n[mail]\nTOKEN = "plain"\n',
} as const

/** Files that lie in a repository: whoever commits there may put anything into them. */
export function makeSecretFileParsers(): Promise<FuzzedParser[]> {
  return Promise.all((['dotenv', 'toml'] as const).map(makeParser))
}

async function makeParser(form: Form): Promise<FuzzedParser> {
  const holder = new OneFileKey()
  const seed = await encryptText({ file: 'secrets', form, text: PLAIN[form] }, holder)
  const { values: planted } = await openText({ file: 'secrets', form, text: seed }, holder)
  assert.equal(planted.size, 2)
  return {
    name: `secret-file-${form}`,
    seeds: [Buffer.from(seed)],
    parse: async (input) => {
      const opened = await openText({ file: 'secrets', form, text: input.toString('utf8') }, holder)
      for (const [name, { plain }] of opened.values)
        assert.equal(plain, planted.get(name)?.plain, 'a value that nobody sealed opens')
      return true
    },
  }
}

/** Without the price of a passphrase: the file key is behind one fixed slot. */
class OneFileKey implements FileKeyHolder {
  #fileKey: Uint8Array | undefined

  wrap(fileKey: Uint8Array): Promise<string> {
    this.#fileKey = fileKey
    return Promise.resolve('held here')
  }

  unwrap(slot: string): Promise<Uint8Array | undefined> {
    return Promise.resolve(slot === 'held here' ? this.#fileKey : undefined)
  }
}
