import { CoffreError } from '../../model/errors.ts'
import type { Schema } from './schema.ts'

/** Runs the parse constructors of one row: a row that does not parse was not written by us. */
export function parseStored<Value>(table: keyof Schema, parse: () => Value): Value {
  try {
    return parse()
  } catch (cause) {
    throw new CoffreError('STORE_DAMAGED', { facts: { table }, cause })
  }
}

/** For use inside `parseStored`. */
export function toMember<Member>(value: unknown, isMember: (value: unknown) => value is Member): Member {
  if (!isMember(value)) throw new RangeError('not a known word')
  return value
}

/** For use inside `parseStored`. */
export function toCount(value: number): number {
  if (!Number.isSafeInteger(value) || value < 0) throw new RangeError('not a count')
  return value
}
