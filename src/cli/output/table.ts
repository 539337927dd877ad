import { visible } from './printer.ts'

const GAP = '  '

/** Columns as wide as their longest cell, in characters; the last one is not padded. */
export function formatTable(rows: readonly (readonly string[])[]): readonly string[] {
  const shown = rows.map((row) => row.map(visible))
  const widths: number[] = []
  for (const row of shown) {
    for (const [column, cell] of row.entries()) widths[column] = Math.max(widths[column] ?? 0, widthOf(cell))
  }
  return shown.map((row) =>
    row
      .map((cell, column) => (column === row.length - 1 ? cell : pad(cell, widths[column] ?? 0)))
      .join(GAP)
      .trimEnd(),
  )
}

function pad(cell: string, width: number): string {
  return cell + ' '.repeat(width - widthOf(cell))
}

function widthOf(cell: string): number {
  return Array.from(cell).length
}
