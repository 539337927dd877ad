import type { CommandRow, OptionRow } from '../command-row.ts'

export const SHELLS = ['bash', 'zsh', 'fish'] as const

export type Shell = (typeof SHELLS)[number]

/** A place in the command tree (`key`, `audit log`) and the words that may follow it. */
interface Node {
  readonly path: string
  readonly words: readonly string[]
}

/**
 * A static script: it completes commands and options and leaves values to the shell's own file names. It
 * walks the words before the cursor down the tree and skips those that are no command.
 */
export function formatCompletion(
  shell: Shell,
  rows: readonly CommandRow[],
  globals: readonly OptionRow[],
): string {
  const nodes = listNodes(rows, globals)
  const formats = { bash: formatBash, zsh: formatZsh, fish: formatFish }
  return formats[shell](nodes)
}

function listNodes(rows: readonly CommandRow[], globals: readonly OptionRow[]): readonly Node[] {
  const shared = [...globals.flatMap(namesOf), '--help']
  const words = new Map<string, Set<string>>([['', new Set(['help'])]])
  for (const row of rows) {
    for (const [depth, word] of row.path.entries()) {
      const above = row.path.slice(0, depth).join(' ')
      words.set(above, (words.get(above) ?? new Set<string>()).add(word))
    }
    words.set(row.path.join(' '), new Set((row.options ?? []).flatMap(namesOf)))
  }
  return Array.from(words, ([path, own]) => ({ path, words: [...own, ...shared] }))
}

function namesOf(option: OptionRow): readonly string[] {
  return option.flags.split(/[\s,]+/).filter((word) => word.startsWith('-'))
}

function formatBash(nodes: readonly Node[]): string {
  return `# bash completion for coffre: source it from ~/.bashrc
_coffre() {
  local at='' word words=''
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case "$at $word" in
      ${branches(nodes)}) at="\${at:+$at }$word" ;;
    esac
  done
  case "$at" in
${cases(nodes)}
  esac
  COMPREPLY=($(compgen -W "$words" -- "\${COMP_WORDS[COMP_CWORD]}"))
}
complete -o default -F _coffre coffre
`
}

function formatZsh(nodes: readonly Node[]): string {
  return `#compdef coffre
# zsh completion for coffre: save it as _coffre in a folder of $fpath
_coffre() {
  local at='' word words_here=''
  for word in "\${(@)words[2,CURRENT-1]}"; do
    case "$at $word" in
      ${branches(nodes)}) at="\${at:+$at }$word" ;;
    esac
  done
  case "$at" in
${cases(nodes).replaceAll('words=', 'words_here=')}
  esac
  compadd -- \${=words_here}
  _files
}
_coffre "$@"
`
}

function formatFish(nodes: readonly Node[]): string {
  const inner = nodes
    .filter((node) => node.path !== '')
    .map((node) => `'${spaced(node.path)}'`)
    .join(' ')
  const lines = nodes.map(
    (node) => `    case '${node.path}'\n      string split ' ' '${node.words.join(' ')}'`,
  )
  return `# fish completion for coffre: save it as ~/.config/fish/completions/coffre.fish
function __coffre_words
  set -l at ''
  for word in (commandline -opc)[2..]
    if contains -- "$at $word" ${inner}
      set at (string trim "$at $word")
    end
  end
  switch "$at"
${lines.join('\n')}
  end
end
complete -c coffre -a '(__coffre_words)'
`
}

/** Every way down the tree, as the pattern `above word`. */
function branches(nodes: readonly Node[]): string {
  const inner = nodes.filter((node) => node.path !== '')
  return inner.map((node) => `'${spaced(node.path)}'`).join('|')
}

/** At the root nothing stands before the word but a space. */
function spaced(path: string): string {
  return path.includes(' ') ? path : ` ${path}`
}

function cases(nodes: readonly Node[]): string {
  return nodes.map((node) => `    '${node.path}') words='${node.words.join(' ')}' ;;`).join('\n')
}
