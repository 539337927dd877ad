/** Sessions for an application: `coffre/sessions`, and a part of the whole library. */
export {
  createSecureSession,
  secureSessionFaults,
  type SecureSessionOptions,
  verifySecureSession,
  type VerifySecureSessionOptions,
} from './service/sessions/secure-session.ts'
export { CoffreSessionKeys, type CoffreSessionKeysOptions } from './service/sessions/coffre-session-keys.ts'
export {
  DerivedSessionKeys,
  type DerivedSessionKeysOptions,
} from './service/sessions/derived-session-keys.ts'
export { type PublicJsonWebKey, toJsonWebKeys } from './service/sessions/json-web-keys.ts'
export { MemoryRevocations } from './service/sessions/memory-revocations.ts'
export { SealedCookies, type SealedCookiesOptions } from './service/sessions/sealed-cookies.ts'
export {
  type ReloadOptions,
  type SecretKeySet,
  SecretSessionKeys,
  type SecretSessionKeysOptions,
} from './service/sessions/secret-session-keys.ts'
export type { SessionKey, SessionKeys } from './service/sessions/session-keys.ts'
export type { SessionRevocation, SessionRevocations } from './service/sessions/session-revocations.ts'
export { Sessions, type SessionsOptions } from './service/sessions/sessions.ts'
export {
  type SecretKeyWatch,
  watchSecretKey,
  type WatchSecretKeyOptions,
} from './service/sessions/watch-secret-key.ts'
