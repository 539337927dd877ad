export {
  acceptRestore,
  checkProof,
  decryptApiKey,
  decryptFile,
  encryptApiKey,
  encryptFile,
  initCoffre,
  openCoffre,
  verifyExport,
} from './app.ts'
export type {
  AcceptedRestore,
  CheckedProof,
  CheckProofOptions,
  DecryptFileOptions,
  EncryptFileOptions,
  Initialised,
  BackupAlert,
  BackupScheduleOptions,
  OpenOptions,
  SealChoice,
  VerifyExportOptions,
} from './app.ts'
export * from './app-secret-files.ts'
export * from './app-sessions.ts'
export {
  checkBackupKey,
  coffreFolderSource,
  coffreFolderTarget,
  coffrePostgresSource,
  coffrePostgresTarget,
  createRecoveryKey,
  createRecoveryShares,
  decryptBackup,
  encryptBackup,
  examineBackupTarget,
  filesSource,
  filesTarget,
  fileTarget,
  globalsSource,
  globalsTarget,
  newRestoreId,
  joinRecoveryShares,
  openBackups,
  openObjectStore,
  outputTarget,
  postgresSource,
  postgresTarget,
  requireSeparate,
  restoreBackup,
  sqliteSource,
  sqliteTarget,
  streamSource,
  toOpeners,
  toRecipients,
} from './app-backup.ts'
export type {
  Backups,
  BackupReference,
  BackupSource,
  CreateOptions,
  ExamineBackupTargetOptions,
  FilesTargetOptions,
  NamedSecret,
  NewRecoveryKey,
  NewRecoveryShares,
  ObjectStore,
  ObjectStoreOptions,
  OpenBackupsOptions,
  OpenedBackup,
  PlantedKey,
  RestoreTarget,
  TargetFindings,
} from './app-backup.ts'
export { type BackupDeclaration, parseBackupSchedule } from './config-backups.ts'
export { drillBackup, measureNow, scratchIn, sweepScratch } from './app-drill.ts'
export type { DrillOptions, DrillPlace, DrillScratch, MeasuredSource, SweepOptions } from './app-drill.ts'
export { recoverCoffre } from './app-recover.ts'
export type {
  OtherPlaces,
  Recovered,
  RecoveredPlace,
  RecoveredSeries,
  RecoverOptions,
} from './app-recover.ts'
export { CacheService, openCache } from './app-cache.ts'
export type {
  CacheOptions,
  ClientSecret,
  LookupOptions,
  UserCache,
  UserCacheOptions,
} from './app-cache.ts'
export { type ConnectOptions, connectCoffre } from './client/connect-coffre.ts'
export type * from './model/ceremony.ts'
export type * from './model/api-key.ts'
export type * from './model/audit.ts'
export type * from './model/backup.ts'
export type * from './model/backup-schedule.ts'
export type * from './model/backup-trail.ts'
export type * from './model/cache.ts'
export type * from './model/coffre.ts'
export type * from './model/diagnosis.ts'
export type * from './model/login-role.ts'
export type * from './model/session.ts'
export type { PolicyDocument, PolicyRule } from './model/policy.ts'
export type * from './model/streams.ts'
export type * from './model/user.ts'
export { CoffreError, type ErrorCode, type ErrorFacts, isErrorCode } from './model/errors.ts'
export { JsonText } from './model/json-text.ts'
export { Secret } from './model/secret.ts'
