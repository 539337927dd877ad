import { join } from 'node:path'
import { Secret } from '../../../src/model/secret.ts'
import { environmentSeal } from '../../../src/seal/environment/environment-seal.ts'
import { fileSeal } from '../../../src/seal/file/file-seal.ts'
import { passphraseSeal } from '../../../src/seal/passphrase/passphrase-seal.ts'
import { makeFolder } from '../../temporary.ts'
import { shamirSeal } from '../../../src/seal/shamir/shamir-seal.ts'
import type { Share } from '../../../src/seal/shamir/share.ts'
import { randomKeyMaterial } from '../../../src/crypto/random.ts'
import { describeSealProvider } from './suite.ts'

describeSealProvider({
  name: 'file',
  make: async (t) => {
    const folder = makeFolder(t)
    const wrong = fileSeal(join(folder, 'wrong.key'))
    await wrong.create()
    const provider = fileSeal(join(folder, 'seal.key'))
    return { provider, wrong, missing: fileSeal(join(folder, 'none.key')) }
  },
})

describeSealProvider({
  name: 'environment',
  make: async () => {
    const seal = (value?: string) => environmentSeal({ variable: 'KEY', environment: { KEY: value } })
    return { provider: seal('ab'.repeat(32)), wrong: seal('cd'.repeat(32)), missing: seal() }
  },
})

describeSealProvider({
  name: 'passphrase',
  make: async () => ({
    provider: passphraseSeal(new Secret('correct horse battery staple')),
    wrong: passphraseSeal(new Secret('correct horse battery stapler')),
  }),
})

/** `given` grows with each slot that the provider makes. */
describeSealProvider({
  name: 'shamir',
  make: async () => {
    const all: Share[] = []
    const [two, forged]: [Share[], Share[]] = [[], []]
    const keep = (shares: readonly Share[]) => {
      all.push(...shares.slice(1))
      two.push(...shares.slice(0, 1))
      forged.push(...shares.map((share) => ({ ...share, value: randomKeyMaterial(32) })))
    }
    return {
      provider: shamirSeal({ quorum: { shares: 4, threshold: 3 }, keep, given: all }),
      wrong: shamirSeal({ given: forged }),
      wrongIs: 'SHARE_FOREIGN',
      missing: shamirSeal({ given: two }),
    }
  },
})
