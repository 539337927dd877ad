/** The little of Helm's template language that a check without Helm can hold our chart to. */

const ACTION = /\{\{-?\s*(?<code>[\s\S]*?)\s*-?\}\}/g
const OPENS = /^(if|with|range|define|block)\b/

export function findActions(template: string): string[] {
  return [...template.matchAll(ACTION)].map((match) => match.groups?.['code'] ?? '')
}

/** What is wrong with how the actions nest; empty when nothing is. */
export function findTemplateMistakes(template: string): string[] {
  const rest = template.replaceAll(ACTION, '')
  const mistakes = /\{\{|\}\}/.test(rest) ? ['an action does not open or close'] : []
  let depth = 0
  for (const action of findActions(template)) {
    if (OPENS.test(action)) depth += 1
    if (action === 'end') depth -= 1
    if (depth < 0) mistakes.push('an end too many')
    if (count(action, '(') !== count(action, ')')) mistakes.push(`parentheses: ${action}`)
    if (count(action, '"') % 2 !== 0) mistakes.push(`quotes: ${action}`)
  }
  return depth > 0 ? [...mistakes, 'an end is missing'] : mistakes
}

function count(text: string, character: string): number {
  return text.split(character).length - 1
}

/** `.Values.a.b` as `a.b`. */
export function findValues(template: string): string[] {
  return findActions(template).flatMap((action) =>
    [...action.matchAll(/\.Values\.([A-Za-z.]+)/g)].map((match) => match[1] ?? ''),
  )
}

/**
 * YAML that shows the template's shape: lines that are only an action are gone, other actions are one word.
 * All branches stand in it.
 */
export function toShape(template: string): string {
  return template.replaceAll(/^[ \t]*(\{\{(?:(?!\}\})[\s\S])*\}\}[ \t]*)+\n/gm, '').replaceAll(ACTION, 'x')
}
