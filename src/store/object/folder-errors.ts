import { CoffreError, type ErrorCode, type ErrorFacts } from '../../model/errors.ts'

const CODES: Readonly<Record<string, ErrorCode>> = {
  ENOENT: 'BUCKET_NOT_FOUND',
  ENOTDIR: 'BUCKET_NOT_FOUND',
  EACCES: 'OBJECT_STORE_REFUSED',
  EPERM: 'OBJECT_STORE_REFUSED',
  EROFS: 'OBJECT_STORE_REFUSED',
  ELOOP: 'OBJECT_STORE_REFUSED',
}

/** Runs `work`; what the system refuses becomes a CoffreError that names the system's own word for it. */
export async function onFolder<Result>(facts: ErrorFacts, work: () => Promise<Result>): Promise<Result> {
  try {
    return await work()
  } catch (cause) {
    const reason = codeOf(cause)
    if (reason === '') throw cause
    throw new CoffreError(CODES[reason] ?? 'OBJECT_STORE_UNAVAILABLE', { facts: { ...facts, reason }, cause })
  }
}

/** `ENOSPC` and the like; empty for what is no error of the system. */
export function codeOf(error: unknown): string {
  if (error instanceof CoffreError || !(error instanceof Error) || !('code' in error)) return ''
  return typeof error.code === 'string' && /^E[A-Z0-9]+$/.test(error.code) ? error.code : ''
}

export function isAbsent(error: unknown): boolean {
  return codeOf(error) === 'ENOENT'
}
