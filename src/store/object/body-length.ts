import { CoffreError } from '../../model/errors.ts'

/** Throws INVALID_REQUEST for a body that is longer or shorter than was said. */
export function requireLength(body: {
  readonly written: number
  readonly bytes: number | undefined
  readonly isOver: boolean
}): void {
  const { written, bytes, isOver } = body
  if (bytes === undefined || written === bytes || (written < bytes && !isOver)) return
  throw new CoffreError('INVALID_REQUEST', { facts: { field: 'bytes', expected: bytes, given: written } })
}
