import { apiKeyCommands } from './command/api-key-commands.ts'
import { auditCommands } from './command/audit-commands.ts'
import { auditLogCommands } from './command/audit-log-commands.ts'
import { auditProofCommands } from './command/audit-proof-commands.ts'
import { backupCommands } from './command/backup/backup-commands.ts'
import { scheduleCommands } from './command/backup/schedule-commands.ts'
import { drillCommands } from './command/backup/drill-commands.ts'
import { initCommand } from './command/backup/init-command.ts'
import { layoutCommands } from './command/backup/layout-commands.ts'
import { recoverCommand } from './command/backup/recover-command.ts'
import { recoveryKeyCommands } from './command/backup/recovery-key-commands.ts'
import { restoreCommands } from './command/backup/restore-commands.ts'
import { cacheCommands } from './command/cache-commands.ts'
import { cipherCommands } from './command/cipher-commands.ts'
import { completionCommand } from './command/completion-command.ts'
import { configCommand } from './command/config-command.ts'
import { ceremonyCommands } from './command/root/ceremony-commands.ts'
import { rekeyCommand, rotateRootCommand } from './command/root/rekey-command.ts'
import { recoveryCommands } from './command/root/recovery-commands.ts'
import { deriveCommand } from './command/derive-command.ts'
import { doctorCommand } from './command/doctor-command.ts'
import { fernetCommand } from './command/fernet-command.ts'
import { fileCommands } from './command/file-commands.ts'
import { keyCommands } from './command/key-commands.ts'
import { loginCommands } from './command/login-commands.ts'
import { materialCommands } from './command/material-commands.ts'
import { operatorCommands } from './command/operator-commands.ts'
import { policyCommands } from './command/policy-commands.ts'
import { proofCommands } from './command/proof-commands.ts'
import { checkCommands } from './command/secret/check-commands.ts'
import { rotateCommands } from './command/secret/rotate-commands.ts'
import { scanCommand } from './command/secret/scan-command.ts'
import { secretFileCommands } from './command/secret/secret-file-commands.ts'
import { secretKeyCommands } from './command/secret/secret-key-commands.ts'
import { watchCommand } from './command/secret/watch-command.ts'
import { serveCommand } from './command/serve-command.ts'
import { storeCommands } from './command/store-commands.ts'
import { tokenCommands } from './command/token-commands.ts'
import { sessionCommands } from './command/session-commands.ts'
import { userCommands } from './command/user-commands.ts'
import type { CommandRow, GroupRow } from './command-row.ts'

export const groupRows: readonly GroupRow[] = [
  { path: ['key'], summary: 'group.key' },
  { path: ['file'], summary: 'group.file' },
  { path: ['mac'], summary: 'group.mac' },
  { path: ['data-key'], summary: 'group.data-key' },
  { path: ['token'], summary: 'group.token' },
  { path: ['login-role'], summary: 'group.login-role' },
  { path: ['user'], summary: 'group.user' },
  { path: ['cache'], summary: 'group.cache' },
  { path: ['apikey'], summary: 'group.apikey' },
  { path: ['fernet'], summary: 'group.fernet' },
  { path: ['session'], summary: 'group.session' },
  { path: ['store'], summary: 'group.store' },
  { path: ['policy'], summary: 'group.policy' },
  { path: ['audit'], summary: 'group.audit' },
  { path: ['audit', 'log'], summary: 'group.audit.log' },
  { path: ['audit', 'key'], summary: 'group.audit.key' },
  { path: ['audit', 'prove'], summary: 'group.audit.prove' },
  { path: ['secret'], summary: 'group.secret' },
  { path: ['secret-key'], summary: 'group.secret-key' },
  { path: ['backup'], summary: 'group.backup' },
  { path: ['config'], summary: 'group.config' },
  { path: ['operator'], summary: 'group.operator' },
  { path: ['operator', 'ceremony'], summary: 'group.operator.ceremony' },
]

const rows: readonly CommandRow[] = [
  serveCommand,
  ...operatorCommands,
  rekeyCommand,
  rotateRootCommand,
  ...ceremonyCommands,
  ...recoveryCommands,
  ...keyCommands,
  ...cipherCommands,
  ...fileCommands,
  ...proofCommands,
  ...materialCommands,
  deriveCommand,
  doctorCommand,
  configCommand,
  ...tokenCommands,
  ...loginCommands,
  ...userCommands,
  ...cacheCommands,
  ...apiKeyCommands,
  fernetCommand,
  ...sessionCommands,
  ...policyCommands,
  ...auditCommands,
  ...storeCommands,
  ...auditLogCommands,
  ...auditProofCommands,
  ...secretKeyCommands,
  ...checkCommands,
  watchCommand,
  ...rotateCommands,
  ...secretFileCommands,
  scanCommand,
  initCommand,
  ...backupCommands,
  ...drillCommands,
  ...scheduleCommands,
  ...restoreCommands,
  recoverCommand,
  ...recoveryKeyCommands,
  ...layoutCommands,
]

/** Every command, in the order in which help lists them. */
export const commandRows: readonly CommandRow[] = [...rows, completionCommand(rows)]
