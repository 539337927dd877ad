/** Sessions for an application: `coffre/sessions`, and a part of the whole library. */
export {
  createSecureSession,
  secureSessionFaults,
  type SecureSessionOptions,
  verifySecureSession,
  type VerifySecureSessionOptions,
} from './service/sessions/secure-session.ts'
