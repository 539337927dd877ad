import type { Keys } from '../model/coffre.ts'
import type { ExportedKey, ExportTarget, ImportParams, KeyMaterialInput } from '../model/coffre-transfer.ts'
import { parseKeyName } from '../model/ids.ts'
import { KEY_SHAPE, parseAnswer, strangeAnswer } from './answer-shape.ts'
import { decodeBase64, encodeBase64 } from './base64.ts'
import type { Connection } from './connection.ts'

type Transfer = Pick<Keys, 'importParams' | 'importKey' | 'importVersion' | 'exportKey'>

interface ExportedText extends Omit<ExportedKey, 'wrapped'> {
  readonly wrapped: string
}

export function remoteTransfer(connection: Connection): Transfer {
  const post = (path: string, body: object) => connection.send({ method: 'POST', path, body })
  return {
    importParams: async () =>
      parseAnswer<ImportParams>(await post('/keys/import-params', {}), {
        publicKey: 'string',
        importToken: 'string',
        expiresAt: 'string',
      }),
    importKey: async ({ material, ...request }) =>
      parseAnswer(await post('/keys/import', { ...request, material: toText(material) }), KEY_SHAPE),
    importVersion: async (name, material) =>
      parseAnswer(
        await post(`/keys/${parseKeyName(name)}/import`, { material: toText(material) }),
        KEY_SHAPE,
      ),
    exportKey: async (name, { version, target }) => {
      const body = { target: toTargetText(target), ...(version === undefined ? {} : { version }) }
      const answer = parseAnswer<ExportedText>(await post(`/keys/${parseKeyName(name)}/export`, body), {
        key: 'string',
        version: 'number',
        wrapped: 'string',
      })
      const wrapped = decodeBase64(answer.wrapped)
      if (wrapped === undefined) throw strangeAnswer('wrapped')
      return { ...answer, wrapped }
    },
  }
}

/** A Secret shows itself nowhere by itself. */
function toText(material: KeyMaterialInput): object {
  const bytes = encodeBase64(material.bytes)
  if (!('passphrase' in material) || material.passphrase === undefined) return { ...material, bytes }
  return { ...material, bytes, passphrase: material.passphrase.reveal() }
}

function toTargetText(target: ExportTarget): object {
  return target.kind === 'passphrase' ? { ...target, passphrase: target.passphrase.reveal() } : target
}
