import { rawBytes } from '../crypto/key-material.ts'
import { CoffreError } from '../model/errors.ts'
import type { Secret } from '../model/secret.ts'
import { writePrivateFile } from './file/private-file.ts'
import { PAPER_FORMS, type PaperKey, parsePaperKey, writePaperKey } from './paper-key.ts'
import type { SealProvider, SealProviderName } from './seal-provider.ts'

export type SealKeyText = PaperKey

/** The seal key of a key file or the environment, for a sheet of paper (docs/spec/share.md, "Seal key"). */
export async function writeSealKeyText(provider: SealProvider): Promise<SealKeyText> {
  const key = await provider.recover(new Uint8Array(0))
  try {
    return writePaperKey(PAPER_FORMS.sealKey, key)
  } finally {
    key.wipe()
  }
}

/** A provider of exactly this key, to try it on a slot. */
export function knownKeySeal(name: SealProviderName, text: Secret): SealProvider {
  const parse = () => parsePaperKey(PAPER_FORMS.sealKey, text)
  const create = async () => ({ sealKey: parse(), parameters: new Uint8Array(0) })
  return { name, create, recover: async () => parse() }
}

/** A key file as `fileSeal` makes it. Never replaces one. */
export async function restoreSealKeyFile(path: string, text: Secret): Promise<void> {
  const key = parsePaperKey(PAPER_FORMS.sealKey, text)
  const written = await writePrivateFile(path, `${Buffer.from(rawBytes(key)).toString('hex')}\n`, {
    ifExists: 'keep',
  })
  key.wipe()
  if (!written) throw new CoffreError('CONFIG_REFUSED', { facts: { file: path, expected: 'no file there' } })
}
