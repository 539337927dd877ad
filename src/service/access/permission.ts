import { KEY_PERMISSIONS } from '../../model/policy.ts'
import type { Role } from '../../model/token.ts'

export const PERMISSIONS = [
  'data.use',
  'data.diagnose',
  ...KEY_PERMISSIONS,
  'token.read',
  'token.change',
  'policy.read',
  'policy.change',
  'login.read',
  'login.change',
  'user.read',
  'user.change',
  'user.self',
  'api-key.rotate',
  'api-key.revoke',
  'backup.record',
  'backup.read',
  'backup.run',
  'audit.read',
  'metrics.read',
  'operator.change',
] as const

export type Permission = (typeof PERMISSIONS)[number]

/** Default deny: what is not listed is refused. The table of docs/design/access.md. */
const GRANTED: Readonly<Record<Role, readonly Permission[]>> = {
  admin: PERMISSIONS,
  operator: [
    'data.diagnose',
    'key.read',
    'key.rotate',
    'key.move',
    'api-key.rotate',
    'backup.record',
    'backup.read',
    'backup.run',
    'metrics.read',
    'operator.change',
  ],
  auditor: [
    'key.read',
    'token.read',
    'policy.read',
    'login.read',
    'user.read',
    'backup.record',
    'backup.read',
    'audit.read',
  ],
  app: ['data.use', 'key.read', 'backup.record'],
  // Its own row, and no other: services take the user from the caller.
  user: ['user.self'],
}

/** They concern the whole installation, so only callers of the default tenant have them. */
const OF_INSTALLATION: readonly Permission[] = [
  'api-key.rotate',
  'api-key.revoke',
  'backup.read',
  'backup.run',
  'metrics.read',
  'operator.change',
]

/** They reach beyond single keys, so a token that policies confine has none of them. */
const BEYOND_KEYS: readonly Permission[] = [
  ...OF_INSTALLATION,
  'login.read',
  'login.change',
  'policy.change',
  'user.read',
  'user.change',
  'audit.read',
]

export function isGranted(role: Role, permission: Permission): boolean {
  return GRANTED[role].includes(permission)
}

export function isOfInstallation(permission: Permission): boolean {
  return OF_INSTALLATION.includes(permission)
}

export function isBeyondKeys(permission: Permission): boolean {
  return BEYOND_KEYS.includes(permission)
}
