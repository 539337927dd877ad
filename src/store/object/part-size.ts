const MIB = 1024 * 1024
/** What S3 takes: 10,000 parts of 5 MiB to 5 GiB, 5 TiB in all. */
export const MAX_PARTS = 10_000
const FIRST_PART_BYTES = 16 * MIB
/** OpenStack Swift takes 1,000 parts unless it is told otherwise. */
const FEW_PARTS = 1_000
/** 8 GiB in parts of one size: memory is what parts hold. From there on they grow, on average from one to the next. */
const EQUAL_PARTS = 512
const GROWTH_BYTES = 136 * 1024
/** Parts of one size, so that their buffers are used again. */
const PLATEAU = 50
/** How much larger than the first the first 1,000 are, on average. */
const FEW_PARTS_GROWTH = 14 * MIB
const MAX_FIRST_PART_BYTES = 136 * MIB

/**
 * How large part `number` (from 1) is. Parts grow in steps, so that a body of unknown length needs little memory while it
 * is small (28 MiB a part at 10 GiB) and 5 TiB still fit into 10,000 parts. If the length is known, it is cut into 1,000
 * parts at most, which is all that some servers take, as far as 146 GiB.
 */
export function partBytes(number: number, bytes = 0): number {
  const wanted = Math.ceil(bytes / FEW_PARTS) - FEW_PARTS_GROWTH
  const first = Math.max(FIRST_PART_BYTES, Math.min(MAX_FIRST_PART_BYTES, wanted))
  const steps = Math.floor(Math.max(0, number - EQUAL_PARTS) / PLATEAU)
  return first + steps * PLATEAU * GROWTH_BYTES
}
