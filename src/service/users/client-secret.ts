import { createClientSecret, matchesHash, readClientSecretId } from '../../crypto/bearer-token.ts'
import { hashPassword, verifyPassword } from '../../crypto/password.ts'
import { CoffreError } from '../../model/errors.ts'
import { parseUserId, type UserId } from '../../model/ids.ts'
import { MAX_CLIENT_SECRET_CHARACTERS, MIN_CLIENT_SECRET_CHARACTERS } from '../../model/limits.ts'
import { Secret } from '../../model/secret.ts'
import type { User } from '../../model/user.ts'

const ID_PREFIX = 'usr_'
const PRINTABLE = /^[\x20-\x7e]+$/
/** Of no secret: it costs what judging a foreign secret costs. */
const DECOY = `$argon2id$v=19$m=65536,t=3,p=1$${'A'.repeat(22)}$${'A'.repeat(43)}`

export interface MadeSecret {
  readonly hash: string
  /** Absent where the caller chose it. */
  readonly secret?: Secret
}

/** A new one of Coffre's own form, or the one that was chosen. Throws INVALID_REQUEST. */
export async function makeClientSecret(id: UserId, chosen: Secret | string | undefined): Promise<MadeSecret> {
  if (chosen === undefined) return createClientSecret(id.slice(ID_PREFIX.length))
  const text = revealText(chosen)
  const { length } = text
  const fits = length >= MIN_CLIENT_SECRET_CHARACTERS && length <= MAX_CLIENT_SECRET_CHARACTERS
  if (!fits || !PRINTABLE.test(text) || readClientSecretId(text) !== undefined) {
    const expected = `${MIN_CLIENT_SECRET_CHARACTERS} to ${MAX_CLIENT_SECRET_CHARACTERS} printable ASCII characters, not of Coffre’s own form`
    throw new CoffreError('INVALID_REQUEST', { facts: { at: 'clientSecret', expected } })
  }
  return { hash: await hashPassword(new Secret(text)) }
}

export function revealText(secret: Secret | string): string {
  return typeof secret === 'string' ? secret : secret.reveal()
}

/** The user whom a secret of Coffre's own form names; nothing of it is proven. */
export function readOwner(secret: string): UserId | undefined {
  const id = readClientSecretId(secret)
  return id === undefined ? undefined : parseUserId(`${ID_PREFIX}${id}`)
}

/** For a secret of Coffre's own form. Constant time. */
export function matchesOwnSecret(user: User, secret: string): boolean {
  return !user.secretHash.startsWith('$') && matchesHash(secret, user.secretHash)
}

/** For any other. It takes as long for a user who is not there, or has a secret of the other form. */
export async function matchesForeignSecret(user: User | undefined, secret: string): Promise<boolean> {
  const isForeign = user?.secretHash.startsWith('$') === true
  const { valid } = await verifyPassword(new Secret(secret), isForeign ? user.secretHash : DECOY)
  return isForeign && valid
}
