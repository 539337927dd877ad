import type { Brand } from './brand.ts'

/** Bytes that are safe to store: key material under the root key, or a root key under a seal provider. */
export type Wrapped = Brand<Uint8Array, 'Wrapped'>

/** Says that `bytes` came out of a wrap, or out of the store that one was written to. */
export function toWrapped(bytes: Uint8Array): Wrapped {
  return bytes as Wrapped
}
