import { extname } from 'node:path'
import type { OptionRow } from '../command-row.ts'
import type { Invocation } from '../invocation.ts'
import type { OptionReader } from '../line/option-reader.ts'
import { withFileSink } from '../output/sink.ts'
import type { Sheet } from './sheet.ts'

const FORMATS = ['html', 'text'] as const
const MAX_LABEL_CHARACTERS = 80

export const SHEET_OPTIONS: readonly OptionRow[] = [
  { flags: '--out <file>', help: 'option.sheetOut' },
  { flags: '--format <format>', help: 'option.sheetFormat', choices: FORMATS },
  { flags: '--label <text>', help: 'option.sheetLabel' },
]

/** Where the page goes, and in which form. */
export interface SheetPlace {
  readonly out: string
  readonly format: (typeof FORMATS)[number]
}

export function readSheetPlace(options: OptionReader): SheetPlace {
  const out = options.required('out')
  return { out, format: options.choice('format', FORMATS) ?? (out.endsWith('.txt') ? 'text' : 'html') }
}

/** What stands on the page besides its secret. */
export function sheetHead(options: OptionReader): Pick<Sheet, 'label' | 'date'> {
  const label = (options.text('label') ?? 'Coffre').slice(0, MAX_LABEL_CHARACTERS)
  return { label, date: new Date().toISOString().slice(0, 10) }
}

export async function writeSheet(
  invocation: Invocation,
  sheet: Sheet,
  { format, out }: SheetPlace,
): Promise<void> {
  const page = await render(sheet, format, invocation)
  await withFileSink(invocation, { path: out, option: 'out' }, (sink) => sink.write(page))
}

/** Of one of several sheets: `sheet.html` becomes `sheet-2-of-3.html`. */
export function sheetPlaceOf(
  { out, format }: SheetPlace,
  { number, count }: { readonly number: number; readonly count: number },
): SheetPlace {
  const ending = extname(out)
  return { out: `${out.slice(0, out.length - ending.length)}-${number}-of-${count}${ending}`, format }
}

/** Each is loaded when it is used: a QR code is drawn for one of them. */
async function render(sheet: Sheet, format: SheetPlace['format'], { printer }: Invocation): Promise<string> {
  if (format === 'text') return (await import('./sheet-text.ts')).renderText(sheet, printer.catalogue)
  return (await import('./sheet-html.ts')).renderHtml(sheet, printer.catalogue)
}
