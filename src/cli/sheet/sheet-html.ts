import { encodeQR } from 'qr'
import type { Catalogue } from '../../model/message/catalogue.ts'
import { type Sheet, sheetLines, wordRows } from './sheet.ts'

const STYLE = `
@page { size: A4; margin: 18mm }
body { font: 11pt/1.4 sans-serif; color: #000; background: #fff; max-width: 174mm; margin: 0 auto }
h1 { font-size: 18pt; margin: 0 0 4mm }
h2 { font-size: 13pt; margin: 6mm 0 2mm }
p { margin: 2mm 0 }
pre { font: 11pt/1.5 monospace; margin: 2mm 0; white-space: pre-wrap; overflow-wrap: anywhere }
svg { width: 52mm; height: 52mm; float: right; margin: 0 0 4mm 6mm }
`

/** One page that needs nothing else: no script, no font, no address. */
export function renderHtml(sheet: Sheet, catalogue: Catalogue): string {
  const say = catalogue.messages
  const lines = sheetLines(sheet, catalogue)
  const title = lines.find(({ kind }) => kind === 'title')?.text ?? ''
  const steps = lines.filter(({ kind }) => kind === 'step').map(({ text }) => `<li>${escape(text)}</li>`)
  const above = lines.filter(({ kind }) => kind === 'fact' || kind === 'note')
  const heading = lines.find(({ kind }) => kind === 'heading')?.text ?? ''
  return `${[
    '<!doctype html>',
    `<html lang="${catalogue.language}">`,
    `<head><meta charset="utf-8"><title>${escape(title)}</title><style>${STYLE}</style></head>`,
    '<body>',
    // Middle error correction: a fold or a stain of a seventh of the code does no harm.
    encodeQR(sheet.text.reveal(), 'svg', { ecc: 'medium', border: 2 }),
    `<h1>${escape(title)}</h1>`,
    ...above.map(({ text }) => `<p>${escape(text)}</p>`),
    `<h2>${escape(heading)}</h2>`,
    `<ol>${steps.join('')}</ol>`,
    `<h2>${escape(say['sheet.words'])}</h2>`,
    `<pre>${escape(wordRows(sheet.words).join('\n'))}</pre>`,
    `<h2>${escape(say['sheet.text'])}</h2>`,
    `<pre>${escape(sheet.text.reveal())}</pre>`,
    '</body>',
    '</html>',
  ].join('\n')}\n`
}

function escape(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
}
