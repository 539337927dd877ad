import type { Catalogue } from '../../model/message/catalogue.ts'
import { type Sheet, sheetLines, wordRows } from './sheet.ts'

const WIDTH = 78

/** For a printer that knows nothing else. */
export function renderText(sheet: Sheet, catalogue: Catalogue): string {
  const say = catalogue.messages
  let step = 0
  const lines = sheetLines(sheet, catalogue).flatMap(({ kind, text }) => {
    if (kind === 'title') return [text, '='.repeat(text.length), '']
    if (kind === 'heading') return ['', text, '-'.repeat(text.length)]
    if (kind === 'note') return ['', ...wrap(text)]
    if (kind !== 'step') return [text]
    step += 1
    return wrap(`${step}. ${text}`)
  })
  const secret = [say['sheet.text'], '', ...wrap(sheet.text.reveal(), '-'), '', say['sheet.words'], '']
  return `${[...lines, '', ...secret, ...wordRows(sheet.words)].join('\n')}\n`
}

/** Breaks after spaces, or after `mark`. */
function wrap(text: string, mark = ' '): readonly string[] {
  const rows: string[] = []
  let row = ''
  for (const piece of text.split(mark)) {
    const next = row === '' ? piece : row + mark + piece
    if (next.length <= WIDTH) row = next
    else {
      rows.push(mark === ' ' ? row : row + mark)
      row = piece
    }
  }
  return [...rows, row]
}
