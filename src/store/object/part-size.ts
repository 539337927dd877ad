const MIB = 1024 * 1024
/** What S3 takes: 10,000 parts of 5 MiB to 5 GiB, 5 TiB in all. */
export const MAX_PARTS = 10_000
const FIRST_PART_BYTES = 8 * MIB
/** OpenStack Swift takes 1,000 parts unless it is told otherwise. */
const FEW_PARTS = 1_000
/** By how much parts grow, on average from one to the next, and by how much more beyond the first 1,000. */
const GROWTH_BYTES = 48 * 1024
const LATE_GROWTH_BYTES = 78 * 1024
/** Parts of one size, so that their buffers are used again. */
const PLATEAU = 50
/** How much larger than the first the first 1,000 are, on average. */
const FEW_PARTS_GROWTH = 22 * MIB
const MAX_FIRST_PART_BYTES = 128 * MIB

/**
 * How large part `number` (from 1) is. Parts grow in steps, so that a body of unknown length needs little memory while it
 * is small (32 MiB a part at 10 GiB) and 5 TiB still fit into 10,000 parts. If the length is known, it is cut into 1,000
 * parts at most, which is all that some servers take, as far as 146 GiB.
 */
export function partBytes(number: number, bytes = 0): number {
  const wanted = Math.ceil(bytes / FEW_PARTS) - FEW_PARTS_GROWTH
  const first = Math.max(FIRST_PART_BYTES, Math.min(MAX_FIRST_PART_BYTES, wanted))
  const grown = Math.floor((number - 1) / PLATEAU) * PLATEAU
  return first + grown * GROWTH_BYTES + Math.max(0, grown - FEW_PARTS) * LATE_GROWTH_BYTES
}
