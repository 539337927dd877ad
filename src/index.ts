export { initCoffre, openCoffre } from './app.ts'
export type { Initialised, OpenOptions, SealChoice } from './app.ts'
export { type ConnectOptions, connectCoffre } from './client/connect-coffre.ts'
export type * from './model/coffre.ts'
export { CoffreError, type ErrorCode, type ErrorFacts, isErrorCode } from './model/errors.ts'
export { Secret } from './model/secret.ts'
export {
  type DecryptFileOptions,
  decryptFile,
  type EncryptFileOptions,
  encryptFile,
} from './service/data/file-cipher.ts'
