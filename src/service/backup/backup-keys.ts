import { parseSpkiPem } from '../../crypto/pem.ts'
import { formatNote, type VerifierKey, verifierKeyOf } from '../../crypto/transparency/signed-note.ts'
import type { Coffre, CreateKeyRequest, KeyView } from '../../model/coffre.ts'
import { CoffreError, hasCode } from '../../model/errors.ts'

/** What backups need of a Coffre, embedded or a server. */
export type BackupCoffre = Pick<Coffre, 'decrypt' | 'encrypt' | 'generateDataKey' | 'keys' | 'sign'>

export const DEFAULT_BACKUP_KEY = 'backup'
const SIGNING_KEY = 'backup-signing'
/** Of verifier keys: the id of the signing key stands behind it. */
const SIGNER_PREFIX = 'coffre-backup/'
const UNTRUSTED_STATES: ReadonlySet<string> = new Set(['compromised', 'destroyed'])

/** Signs notes with the Ed25519 key `backup-signing` of a Coffre, which is made when it is not there. */
export async function signWithCoffre(coffre: BackupCoffre, text: string): Promise<string> {
  const view = await ensureSigningKey(coffre)
  const { signature, version } = await coffre.sign({ key: SIGNING_KEY, message: text })
  const signer = signersOf(await freshView(coffre, view, version)).get(version)
  if (signer === undefined) throw new CoffreError('KEY_VERSION_UNUSABLE', { facts: { key: SIGNING_KEY } })
  return formatNote(text, signer, signature)
}

export function ensureSigningKey(coffre: Pick<Coffre, 'keys'>): Promise<KeyView> {
  return ensureKey(coffre, { name: SIGNING_KEY, algorithm: 'ed25519' })
}

/** The versions of `backup-signing` that may vouch for a backup; none where this Coffre has no such key. */
export async function trustedSigners(coffre: Pick<Coffre, 'keys'>): Promise<readonly VerifierKey[]> {
  try {
    return [...signersOf(await coffre.keys.get(SIGNING_KEY)).values()]
  } catch (error) {
    if (hasCode(error, 'KEY_NOT_FOUND')) return []
    throw error
  }
}

/** Makes the key where there is none. Two that make it at once both go on with the one that won. */
export async function ensureKey(coffre: Pick<Coffre, 'keys'>, request: CreateKeyRequest): Promise<KeyView> {
  try {
    return await coffre.keys.get(request.name)
  } catch (error) {
    if (!hasCode(error, 'KEY_NOT_FOUND')) throw error
  }
  try {
    return await coffre.keys.create(request)
  } catch (error) {
    if (!hasCode(error, 'KEY_EXISTS')) throw error
    return coffre.keys.get(request.name)
  }
}

/** Somebody may have rotated it since. */
async function freshView(coffre: BackupCoffre, view: KeyView, version: number): Promise<KeyView> {
  return view.versions.some((each) => each.version === version) ? view : coffre.keys.get(view.name)
}

function signersOf({ id, versions }: KeyView): ReadonlyMap<number, VerifierKey> {
  const signers = new Map<number, VerifierKey>()
  for (const { version, state, publicKey } of versions) {
    const spki = publicKey === undefined ? undefined : parseSpkiPem(publicKey)
    if (spki === undefined || UNTRUSTED_STATES.has(state)) continue
    signers.set(version, verifierKeyOf(`${SIGNER_PREFIX}${id}`, spki))
  }
  return signers
}
