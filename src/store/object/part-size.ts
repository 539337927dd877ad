const MIB = 1024 * 1024
/** What S3 takes: 10,000 parts of 5 MiB to 5 GiB, 5 TiB in all. */
export const MAX_PARTS = 10_000
const FIRST_PART_BYTES = 8 * MIB
const GROWTH_BYTES = 106 * 1024
/** OpenStack Swift takes 1,000 parts unless it is told otherwise. */
const FEW_PARTS = 1_000
const MAX_FIRST_PART_BYTES = 128 * MIB

/**
 * How large part `number` (from 1) is. Each is a little larger than the one before, so that a body of unknown length
 * needs little memory while it is small (46 MiB at 10 GiB) and 5 TiB still fit into 10,000 parts. A length that is known
 * is cut into at most 1,000 parts, which is all that some servers take, as far as 128 MiB reach.
 */
export function partBytes(number: number, bytes = 0): number {
  const first = Math.max(FIRST_PART_BYTES, Math.min(MAX_FIRST_PART_BYTES, Math.ceil(bytes / FEW_PARTS)))
  return first + (number - 1) * GROWTH_BYTES
}
