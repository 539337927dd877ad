import { parseSpkiPem } from '../../crypto/pem.ts'
import { formatVerifierKey, type VerifierKey, verifierKeyOf } from '../../crypto/transparency/signed-note.ts'
import type { VerifierKeyView } from '../../model/audit.ts'
import { CoffreError } from '../../model/errors.ts'
import { AUDIT_KEY_NAME, SYSTEM_TENANT } from '../../model/ids.ts'
import type { Key, KeyVersion } from '../../model/key.ts'
import type { ReadStore } from '../../store/store.ts'

/** Who a log is: the name in its checkpoints, and the public half of every generation of its key. */
export interface LogIdentity {
  readonly origin: string
  readonly keys: readonly VerifierKey[]
}

/** `undefined` before the key was made. It is not compared with the private half, which needs the root key. */
export async function findIdentity(store: ReadStore): Promise<LogIdentity | undefined> {
  const key = await store.findKey(SYSTEM_TENANT, AUDIT_KEY_NAME)
  if (key === undefined) return undefined
  return { origin: originOf(key), keys: key.versions.map((version) => readVersion(key, version)) }
}

/** Newest first. */
export async function listVerifierKeys(store: ReadStore): Promise<readonly VerifierKeyView[]> {
  const key = await store.findKey(SYSTEM_TENANT, AUDIT_KEY_NAME)
  const versions = key === undefined ? [] : key.versions.map((version) => ({ key, version }))
  return versions.toReversed().map(({ key, version }) => ({
    version: version.version,
    state: version.state.name,
    verifierKey: formatVerifierKey(readVersion(key, version)),
  }))
}

function originOf(key: Key): string {
  return `coffre/${key.id}`
}

function readVersion(key: Key, version: KeyVersion): VerifierKey {
  try {
    const spki = parseSpkiPem(version.publicKey ?? '')
    if (spki === undefined) throw new RangeError('not a public key')
    return verifierKeyOf(originOf(key), spki)
  } catch (cause) {
    throw new CoffreError('STORE_DAMAGED', { facts: { part: 'public_key', version: version.version }, cause })
  }
}
