import type { AlgorithmName, KeyPurpose } from './algorithm-name.ts'
import type { Brand } from './brand.ts'
import type { KeyId, TenantId, VersionNumber } from './ids.ts'

/** Bytes that are safe to store: key material under the root key, or a root key under a seal provider. */
export type Wrapped = Brand<Uint8Array, 'Wrapped'>

/** Says that `bytes` came out of a wrap, or out of the store that one was written to. */
export function toWrapped(bytes: Uint8Array): Wrapped {
  return bytes as Wrapped
}

/** The row that a wrapped blob belongs to, and the only one in which it opens. */
export interface WrapBinding {
  readonly tenant: TenantId
  readonly keyId: KeyId
  readonly version: VersionNumber
  readonly algorithm: AlgorithmName
  readonly purpose: KeyPurpose
}

/** Which root key: 1 is the first of a Coffre, and each rotation of the root adds one. */
export type RootGeneration = number

/** A rotation takes minutes and people; this is beyond any life. It fits 4 bytes and one signed column. */
export const MAX_ROOT_GENERATION = 2 ** 31 - 1

/** docs/spec/wrapped-key.md: the first format has no number, because there was one root key only. */
export const WRAPPED_FORMAT_FIRST = 1
export const WRAPPED_FORMAT_NUMBERED = 2

/** The generation under which a blob says it is wrapped. That it tells the truth shows when it opens. */
export function rootOf(wrapped: Uint8Array): RootGeneration {
  if (wrapped[0] !== WRAPPED_FORMAT_NUMBERED || wrapped.length < 5) return 1
  return new DataView(wrapped.buffer, wrapped.byteOffset, wrapped.length).getUint32(1)
}
