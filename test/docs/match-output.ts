/**
 * Whether a command printed what a page shows. A line that is only `…` stands for any lines, `…` in a line for
 * any characters; spaces at the ends of lines don't count.
 */
export function matchesOutput(shown: string, printed: string): boolean {
  const lines = tidy(shown).map((line) => (line.trim() === '…' ? '(?:.*\n)*?' : `${toPattern(line)}\n`))
  return new RegExp(`^${lines.join('')}$`).test(`${tidy(printed).join('\n')}\n`)
}

function tidy(text: string): string[] {
  return text
    .trim()
    .split('\n')
    .map((line) => line.trimEnd())
}

function toPattern(line: string): string {
  return line
    .split('…')
    .map((part) => part.replaceAll(/[\\^$.*+?()[\]{}|]/g, '\\$&'))
    .join('.*')
}
