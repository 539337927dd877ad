import type { Measured, TableMeasure } from '../backup-source.ts'

/** What a sum over rows is taken modulo: two such numbers add up to one that is still exact. */
export const WRAP = 2 ** 48

/** FNV-1a. A sum to compare two databases by, not one that withstands an attacker. */
const OFFSET = 0xcbf29ce484222325n
const PRIME = 0x100000001b3n
const WORD = 2n ** 64n - 1n
const SAFE = 2n ** 53n - 1n

/** Over tables in an order that does not depend on who asks. */
export function sumTables(tables: readonly TableMeasure[]): Measured {
  let rows = 0
  let sum = OFFSET
  for (const table of tables) {
    rows += table.rows
    sum = add(sum, `${table.name}:${table.rows}:${table.checksum}\n`)
  }
  return { tables, counts: { tables: tables.length, rows, checksum: Number(sum & SAFE) } }
}

function add(sum: bigint, text: string): bigint {
  return Buffer.from(text).reduce((before, byte) => ((before ^ BigInt(byte)) * PRIME) & WORD, sum)
}
