import type { Role } from '../../model/token.ts'

export const PERMISSIONS = [
  'data.use',
  'key.read',
  'key.change',
  'token.read',
  'token.change',
  'audit.read',
  'operator.change',
] as const

export type Permission = (typeof PERMISSIONS)[number]

/** Default deny: what is not listed is refused. */
const GRANTED: Readonly<Record<Role, readonly Permission[]>> = {
  admin: PERMISSIONS,
  app: ['data.use', 'key.read'],
}

export function isGranted(role: Role, permission: Permission): boolean {
  return GRANTED[role].includes(permission)
}
