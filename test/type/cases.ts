import type { VersionKey } from '../../src/crypto/algorithm.ts'
import type { KeyMaterial } from '../../src/crypto/key-material.ts'
import type { UnsealedVault } from '../../src/seal/vault.ts'
import type { Coffre } from '../../src/model/coffre.ts'
import type { KeyId, KeyName, TenantId, TokenId } from '../../src/model/ids.ts'
import type { Key } from '../../src/model/key.ts'
import type { KeyState } from '../../src/model/key-state.ts'
import { CoffreError } from '../../src/model/errors.ts'
import type { Secret } from '../../src/model/secret.ts'
import type { Wrapped } from '../../src/model/wrapped.ts'

/*
 * What must not compile. tsc reads this file with all others: an expectation that no longer fails is an error
 * itself. Nothing here is ever run.
 */
export function cannotBeWritten(given: {
  readonly coffre: Coffre
  readonly key: Key
  readonly keyId: KeyId
  readonly material: KeyMaterial
  readonly name: KeyName
  readonly secret: Secret
  readonly tokenId: TokenId
  readonly vault: UnsealedVault
  readonly versionKey: VersionKey
}): readonly unknown[] {
  const { coffre, key, keyId, material, name, secret, tokenId, vault, versionKey } = given
  // @ts-expect-error One id is not another.
  const otherId: KeyId = tokenId
  // @ts-expect-error A name is not an id.
  const nameAsId: KeyId = name
  // @ts-expect-error A text is a tenant only after parseTenantId.
  const tenant: TenantId = 'default'
  // @ts-expect-error Bytes are wrapped only when a wrap made them.
  const wrapped: Wrapped = new Uint8Array(8)
  // @ts-expect-error A secret is not its text.
  const text: string = secret
  // @ts-expect-error Material has no bytes to read.
  const bytes: unknown = material.bytes
  // @ts-expect-error The root key has no door.
  const root: unknown = vault.root
  // @ts-expect-error A key is immutable.
  key.epoch = 7
  // @ts-expect-error Its versions are, too.
  key.versions.push(key.versions[0])
  // @ts-expect-error A suspended state says where it resumes to.
  const state: KeyState = { name: 'suspended', since: key.createdAt }
  // @ts-expect-error There is no code beyond the table.
  const error = new CoffreError('SOMETHING')
  // @ts-expect-error Facts are texts and numbers, never bytes or secrets.
  const facts = new CoffreError('INTERNAL', { facts: { secret } })
  // @ts-expect-error No caller chooses a nonce.
  const encrypted = coffre.encrypt({ key: 'k', plaintext: '', nonce: new Uint8Array(12) })
  // @ts-expect-error One version is destroyed by its number.
  const destroyed = coffre.keys.destroy('k')
  // @ts-expect-error A batch is of one operation.
  const batch = coffre.batch('sign', [{ key: 'k', plaintext: '' }])
  return [
    otherId,
    nameAsId,
    tenant,
    wrapped,
    text,
    bytes,
    root,
    state,
    error,
    facts,
    encrypted,
    destroyed,
    batch,
    keyId,
    versionKey,
  ]
}
