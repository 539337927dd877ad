import { deriveFromShared } from '../../crypto/derived-key.ts'
import { parseSpkiPem } from '../../crypto/pem.ts'
import type { DerivedKey, DeriveKeyRequest } from '../../model/coffre.ts'
import { CoffreError } from '../../model/errors.ts'
import { Batch } from './batch.ts'
import type { DataKeys, UsableVersion } from './data-keys.ts'
import { readInfo, readLength } from './input.ts'
import { Turn } from './turn.ts'
import type { Reach } from '../policy/reach.ts'

const MIN_DERIVED_BYTES = 16
const MAX_DERIVED_BYTES = 64
const PURPOSES = ['derive'] as const

/** Key agreement (docs/spec/agreement.md): each item has a peer of its own, so nothing is shared. */
export async function deriveKeys(
  keys: DataKeys,
  reach: Reach,
  items: readonly DeriveKeyRequest[],
): Promise<Batch<DerivedKey>> {
  const batch = new Batch<DerivedKey>(items.length)
  const turn = new Turn()
  for (const [index, item] of items.entries()) {
    await turn.pauseIfLong()
    try {
      const peer = readPeer(item)
      const usable = await findVersion(keys, reach, item)
      batch.succeed(index, deriveOne(usable, item, peer))
      batch.countUse(usable.key, usable.version)
    } catch (error) {
      if (!(error instanceof CoffreError)) throw error
      batch.fail(index, error)
    }
  }
  return batch
}

interface Peer {
  readonly publicKey: Uint8Array
  readonly length: number
}

function readPeer(item: DeriveKeyRequest): Peer {
  readInfo(item.info)
  const length = readLength(item.bytes, { minimum: MIN_DERIVED_BYTES, maximum: MAX_DERIVED_BYTES })
  const publicKey = parseSpkiPem(item.peerPublicKey)
  if (publicKey !== undefined) return { publicKey, length }
  throw new CoffreError('INVALID_REQUEST', {
    facts: { at: 'peerPublicKey', expected: 'a PUBLIC KEY in PEM' },
  })
}

async function findVersion(keys: DataKeys, reach: Reach, item: DeriveKeyRequest): Promise<UsableVersion> {
  if (item.version === undefined) {
    return keys.forProtecting(reach, item.key, { purposes: PURPOSES, count: 1 })
  }
  const wanted = { purposes: PURPOSES, use: 'process', version: item.version } as const
  const [usable] = await keys.candidates(reach, item.key, wanted)
  if (usable === undefined) throw new Error('unreachable: one version is asked for')
  return usable
}

function deriveOne(usable: UsableVersion, item: DeriveKeyRequest, peer: Peer): DerivedKey {
  const { key, row, version } = usable
  if (row.agreement === undefined) throw new CoffreError('ALGORITHM_UNSUPPORTED')
  const shared = row.agreement.agree(version.material, peer.publicKey)
  const derivedKey = deriveFromShared(shared, item.info, peer.length)
  return { derivedKey, key: key.name, version: version.version }
}
