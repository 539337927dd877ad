import { DEFAULT_PAGE_LIMIT, PAGE_LIMIT } from '../../model/page.ts'
import { type ExitCode, OK } from '../exit-code.ts'
import type { Invocation } from '../invocation.ts'
import type { Printer } from './printer.ts'

export interface PageQuery {
  readonly limit: number
  readonly after?: string
}

/** Of `--limit` and `--after`. */
export function readPage({ options }: Invocation): PageQuery {
  const after = options.text('after')
  const limit = options.wholeNumber('limit', PAGE_LIMIT) ?? DEFAULT_PAGE_LIMIT
  return { limit, ...(after === undefined ? {} : { after }) }
}

export interface Page<Item> {
  /** The name of the list in JSON. */
  readonly name: string
  readonly items: readonly Item[]
  readonly format: (printer: Printer, items: readonly Item[]) => readonly string[]
  /** What `--after` takes to go on behind an item. */
  readonly idOf: (item: Item) => string
}

/** A page on standard output, and beside it how to go on. */
export async function showPage<Item>(
  { printer }: Invocation,
  { limit }: PageQuery,
  { name, items, format, idOf }: Page<Item>,
): Promise<ExitCode> {
  await printer.show({ [name]: items }, () => format(printer, items))
  const last = items.at(-1)
  if (last === undefined) await printer.note('list.empty')
  else if (items.length === limit) await printer.note('list.more', { option: `--after ${idOf(last)}` })
  return OK
}
