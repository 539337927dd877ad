import { timingSafeEqual } from 'node:crypto'
import { utf8 } from './bytes.ts'

/** Constant time for texts of one length. */
export function equalText(one: string, other: string): boolean {
  const [left, right] = [utf8(one), utf8(other)]
  return left.length === right.length && timingSafeEqual(left, right)
}
