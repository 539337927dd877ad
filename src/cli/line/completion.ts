import type { CommandRow, OptionRow } from '../command-row.ts'
import { hasCandidates } from './partial-line.ts'

export const SHELLS = ['bash', 'zsh', 'fish'] as const

export type Shell = (typeof SHELLS)[number]

/** A place in the command tree (`key`, `audit log`) and the words that may follow it. */
interface Node {
  readonly path: string
  readonly words: readonly string[]
  /** Whether `coffre __complete` may know values. */
  readonly asks: boolean
}

/**
 * A script that knows commands and options by itself, asks `coffre __complete` for names, and leaves other values to the
 * shell's own file names. It walks the words before the cursor down the tree and skips those that are no command.
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
  const asking = new Set(rows.filter(hasCandidates).map(({ path }) => path.join(' ')))
  return Array.from(words, ([path, own]) => ({
    path,
    words: [...own, ...shared],
    asks: asking.has(path),
  }))
}

function namesOf(option: OptionRow): readonly string[] {
  return option.flags.split(/[\s,]+/).filter((word) => word.startsWith('-'))
}

// Names are data to every script: no word of them is expanded, and what goes into the line is quoted.
function formatBash(nodes: readonly Node[]): string {
  return `# bash completion for coffre: source it from ~/.bashrc
_coffre_words() {
  # COMP_WORDBREAKS cuts words at : and =; what the line has together belongs together.
  local rest="\${COMP_LINE:0:COMP_POINT}" part
  coffre_words=()
  for part in "\${COMP_WORDS[@]:0:COMP_CWORD+1}"; do
    if [[ \${#coffre_words[@]} -eq 0 || $rest == [[:blank:]]* || -z $rest ]]; then
      rest="\${rest#"\${rest%%[![:blank:]]*}"}"
      coffre_words+=('')
    fi
    rest="\${rest#"$part"}"
    coffre_words[\${#coffre_words[@]}-1]+="\${part//[\\"\\'\\\\]/}"
  done
}
_coffre() {
  local at='' word words='' quoted coffre_words cur="\${COMP_WORDS[COMP_CWORD]}"
  COMPREPLY=()
  _coffre_words
  for word in "\${coffre_words[@]:1:\${#coffre_words[@]}-2}"; do
    case "$at $word" in
      ${branches(nodes)}) at="\${at:+$at }$word" ;;
    esac
  done
  if [[ $cur != -* ]]; then
    case "$at" in
      ${asking(nodes)})
        while IFS= read -r word; do
          printf -v quoted %q "$word"
          COMPREPLY+=("$quoted")
        done < <(printf '%s\\0' "\${coffre_words[@]:1}" | command coffre __complete 2>/dev/null)
        [[ \${#COMPREPLY[@]} -gt 0 ]] && return
        ;;
    esac
  fi
  case "$at" in
${cases(nodes)}
  esac
  COMPREPLY=($(compgen -W "$words" -- "$cur"))
}
complete -o default -F _coffre coffre
`
}

function formatZsh(nodes: readonly Node[]): string {
  return `#compdef coffre
# zsh completion for coffre: save it as _coffre in a folder of $fpath
_coffre() {
  local at='' word words_here=''
  local -a names
  for word in "\${(@)words[2,CURRENT-1]}"; do
    case "$at $word" in
      ${branches(nodes)}) at="\${at:+$at }$word" ;;
    esac
  done
  if [[ $PREFIX != -* ]]; then
    case "$at" in
      ${asking(nodes)})
        names=(\${(f)"$(printf '%s\\0' "\${(@Q)words[2,CURRENT-1]}" "\${(Q)PREFIX}" | command coffre __complete 2>/dev/null)"})
        if (( $#names )); then
          compadd -a names
          return
        fi
        ;;
    esac
  fi
  case "$at" in
${cases(nodes).replaceAll('words=', 'words_here=')}
  esac
  compadd -- \${=words_here}
  _files
}
if [[ $zsh_eval_context[-1] == loadautofunc ]]; then
  _coffre "$@"
else
  compdef _coffre coffre
fi
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
  set -l given (commandline -opc)[2..]
  set -l current (commandline -ct)
  for word in $given
    if contains -- "$at $word" ${inner}
      set at (string trim "$at $word")
    end
  end
  if not string match -q -- '-*' "$current"; and contains -- "$at" ${asking(nodes).replaceAll('|', ' ')}
    set -l names (string join0 -- $given "$current" | command coffre __complete 2>/dev/null)
    if set -q names[1]
      printf '%s\\n' $names
      return
    end
  end
  switch "$at"
${lines.join('\n')}
  end
  __fish_complete_path "$current"
end
complete -c coffre -f -a '(__coffre_words)'
`
}

function asking(nodes: readonly Node[]): string {
  return nodes
    .filter((node) => node.asks)
    .map((node) => `'${node.path}'`)
    .join('|')
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
