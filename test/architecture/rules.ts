import { posix } from 'node:path'
import {
  COMPOSITION_ROOTS,
  FILE_DOORS,
  FORBIDDEN_GLOBALS,
  MAY_IMPORT,
  NAME_DOORS,
  ONLY_OUTSIDE,
  OUTSIDE_RULES,
  TYPES_ONLY,
} from './layers.ts'
import { blankText, findFunctions, findImports, type Import, lineAt } from './scan.ts'

/** Paths from the repository's root, with `/`, and what the files hold. */
export type Tree = ReadonlyMap<string, string>

export interface Violation {
  readonly rule: string
  readonly at: string
  readonly why: string
}

export type Rule = (tree: Tree) => Violation[]

const MAX_FILE_LINES = 500
const MAX_FUNCTION_LINES = 80
const BANNED_FOLDERS = new Set(['utils', 'util', 'helpers', 'helper', 'common', 'lib', 'misc'])
const BANNED_WORDS = new Set(['manager', 'helper', 'helpers', 'util', 'utils', 'processor', 'dto', 'impl'])
const DECLARATION =
  /\b(?:class|interface|type|function|const|let)\s+(?<name>[A-Za-z_$][\w$]*)|\b(?<method>handle[A-Z]\w*)\s*\(/g
const WORK_FOLDER = /^(src|test|tools|bench|bin|examples|console|compat)\//

/** Every rule by name. Each answers with all its violations in the tree. */
export const RULES: Readonly<Record<string, Rule>> = {
  'layer table': checkLayers,
  'guarded files': checkFileDoors,
  'guarded names': checkNameDoors,
  'outside modules': checkOutsideModules,
  'forbidden globals': checkGlobals,
  'literal imports': checkDynamicImports,
  'folder names': checkFolderNames,
  'file names': checkFileNames,
  'declared names': checkDeclaredNames,
  'no barrels': checkBarrels,
  'file size': checkFileSize,
  'function size': checkFunctionSize,
  'no open ends': checkOpenEnds,
  'no machine paths': checkMachinePaths,
  'skips have reasons': checkSkips,
}

export function checkTree(tree: Tree): Violation[] {
  return Object.values(RULES).flatMap((rule) => rule(tree))
}

function checkLayers(tree: Tree): Violation[] {
  return importsInside(tree).flatMap(({ at, from, to, found }) => {
    const [source, target] = [layerOf(from), layerOf(to)]
    if (COMPOSITION_ROOTS.has(from) || source === target) return []
    const row = MAY_IMPORT[source]
    if (row === undefined) return [violation('layer table', at, `${source} has no row in the layer table`)]
    if (!row.includes(target)) {
      return [violation('layer table', at, `${source} may not import ${target}: ${describeRow(row)}`)]
    }
    const typed = TYPES_ONLY.find((entry) => entry.from === source && entry.to === target)
    if (typed === undefined || found.typeOnly) return []
    return [violation('layer table', at, `${source} imports only types of ${target}: ${typed.why}`)]
  })
}

function describeRow(row: readonly string[]): string {
  return row.length === 0 ? 'it may import nothing' : `it may import ${row.join(', ')}`
}

function checkFileDoors(tree: Tree): Violation[] {
  return importsInside(tree).flatMap(({ at, from, to }) =>
    FILE_DOORS.filter((door) => door.behind.test(to) && !door.openTo.test(from)).map((door) =>
      violation('guarded files', at, `${to}: ${door.why}`),
    ),
  )
}

function checkNameDoors(tree: Tree): Violation[] {
  return sources(tree).flatMap(([path, code]) =>
    NAME_DOORS.filter((door) => !door.openTo.test(path)).flatMap((door) =>
      matches(code, door.name).map((hit) =>
        violation('guarded names', `src/${path}:${hit.line}`, `${hit.text}: ${door.why}`),
      ),
    ),
  )
}

function checkOutsideModules(tree: Tree): Violation[] {
  return allImports(tree).flatMap(({ at, from, found }) => {
    if (found.specifier.startsWith('.')) return []
    const only = ONLY_OUTSIDE[layerOf(from)]
    if (only !== undefined && !only.modules.test(found.specifier)) {
      return [violation('outside modules', at, `${found.specifier}: ${only.why}`)]
    }
    return OUTSIDE_RULES.filter((rule) => rule.modules.test(found.specifier) && !rule.openTo.test(from)).map(
      (rule) => violation('outside modules', at, `${found.specifier}: ${rule.why}`),
    )
  })
}

function checkGlobals(tree: Tree): Violation[] {
  return sources(tree).flatMap(([path, code]) =>
    FORBIDDEN_GLOBALS.filter((rule) => rule.in.test(path)).flatMap((rule) =>
      matches(code, rule.name).map((hit) =>
        violation('forbidden globals', `src/${path}:${hit.line}`, `${hit.text}: ${rule.why}`),
      ),
    ),
  )
}

/** A computed specifier, and `require`, would pass by the layer table. */
function checkDynamicImports(tree: Tree): Violation[] {
  return sources(tree).flatMap(([path, code]) =>
    matches(code, /\bimport\s*\(\s*(?!['"])|\bcreateRequire\b|(?<![.\w])require\s*\(/g).map((hit) =>
      violation('literal imports', `src/${path}:${hit.line}`, 'an import names its module as a literal'),
    ),
  )
}

function checkFolderNames(tree: Tree): Violation[] {
  const folders = new Set([...tree.keys()].flatMap((path) => ancestors(path)))
  return [...folders]
    .filter((folder) => BANNED_FOLDERS.has(posix.basename(folder)))
    .map((folder) => violation('folder names', folder, 'the name says what kind it is, not what it is about'))
}

function checkFileNames(tree: Tree): Violation[] {
  return workFiles(tree).flatMap(([path]) => {
    const stem = posix.basename(path).replace(/\..*$/, '')
    if (!/^[a-z0-9]+(-[a-z0-9]+)*$/.test(stem))
      return [violation('file names', path, 'file names are kebab-case')]
    const banned = stem.split('-').find((word) => BANNED_WORDS.has(word))
    return banned === undefined
      ? []
      : [violation('file names', path, `"${banned}" says nothing of what is inside`)]
  })
}

function checkDeclaredNames(tree: Tree): Violation[] {
  return sources(tree).flatMap(([path, code]) =>
    [...code.matchAll(DECLARATION)].flatMap((match) => {
      const name = match.groups?.['name'] ?? match.groups?.['method'] ?? ''
      const words = name.split(/(?=[A-Z][a-z])|[_$]/).map((word) => word.toLowerCase())
      const banned =
        words.find((word) => BANNED_WORDS.has(word)) ?? (/^handle[A-Z]/.test(name) ? 'handle' : '')
      const at = `src/${path}:${lineAt(code, match.index)}`
      return banned === '' ? [] : [violation('declared names', at, `${name}: "${banned}" is a banned word`)]
    }),
  )
}

function checkBarrels(tree: Tree): Violation[] {
  return [...tree.keys()]
    .filter((path) => /^src\/.+\/index\.ts$/.test(path))
    .map((path) => violation('no barrels', path, 'import the file that you mean'))
}

function checkFileSize(tree: Tree): Violation[] {
  return workFiles(tree).flatMap(([path, text]) => {
    const lines = text.split('\n').length - 1
    if (lines <= MAX_FILE_LINES) return []
    return [violation('file size', path, `${lines} lines, at most ${MAX_FILE_LINES}`)]
  })
}

/** Tests are free of it: their `describe` blocks are lists, not functions to follow. */
function checkFunctionSize(tree: Tree): Violation[] {
  return workFiles(tree)
    .filter(([path]) => !path.startsWith('test/'))
    .flatMap(([path, text]) =>
      findFunctions(text)
        .filter((block) => block.lines > MAX_FUNCTION_LINES)
        .map((block) =>
          violation(
            'function size',
            `${path}:${block.line}`,
            `${block.lines} lines, at most ${MAX_FUNCTION_LINES}`,
          ),
        ),
    )
}

function checkOpenEnds(tree: Tree): Violation[] {
  return workFiles(tree).flatMap(([path, text]) =>
    matches(text, /\b(TO)(DO)\b|\b(FIX)(ME)\b/g).map((hit) =>
      violation('no open ends', `${path}:${hit.line}`, `${hit.text}: open an issue instead`),
    ),
  )
}

function checkMachinePaths(tree: Tree): Violation[] {
  return [...tree].flatMap(([path, text]) =>
    matches(text, /(?<![\w.])\/(work|home|root)\/[a-z]/g).map((hit) =>
      violation('no machine paths', `${path}:${hit.line}`, `${hit.text}: a path of one machine`),
    ),
  )
}

function checkSkips(tree: Tree): Violation[] {
  const bare =
    /\b(skip|todo|only)\s*:\s*true\b|\b(test|it|describe|suite)\.(skip|todo|only)\s*\(|\.(skip|todo)\(\s*\)/g
  return [...tree]
    .filter(([path]) => /^test\/.*\.ts$/.test(path))
    .flatMap(([path, text]) =>
      matches(blankText(text), bare).map((hit) =>
        violation('skips have reasons', `${path}:${hit.line}`, `${hit.text}: write { skip: 'the reason' }`),
      ),
    )
}

interface InsideImport {
  readonly at: string
  /** Relative to src/. */
  readonly from: string
  readonly to: string
  readonly found: Import
}

function allImports(tree: Tree): InsideImport[] {
  return [...tree].flatMap(([path, text]) => {
    if (!isSource(path)) return []
    const from = path.slice('src/'.length)
    return findImports(text).map((found) => {
      const to = posix.join(posix.dirname(from), found.specifier)
      return { at: `${path}:${found.line}`, from, to, found }
    })
  })
}

function importsInside(tree: Tree): InsideImport[] {
  return allImports(tree).filter(({ found }) => found.specifier.startsWith('.'))
}

/** The files of src/, relative to it, without comments and texts. */
function sources(tree: Tree): [path: string, code: string][] {
  return [...tree]
    .filter(([path]) => isSource(path))
    .map(([path, text]) => [path.slice('src/'.length), blankText(text)])
}

function isSource(path: string): boolean {
  return path.startsWith('src/') && path.endsWith('.ts')
}

function workFiles(tree: Tree): [path: string, text: string][] {
  return [...tree].filter(([path]) => WORK_FOLDER.test(path) && /\.[jt]sx?$/.test(path))
}

function layerOf(path: string): string {
  return path.split('/')[0] ?? path
}

function ancestors(path: string): string[] {
  const parts = path.split('/').slice(0, -1)
  return parts.map((_, index) => parts.slice(0, index + 1).join('/'))
}

function matches(text: string, pattern: RegExp): { line: number; text: string }[] {
  return [...text.matchAll(pattern)].map((match) => ({
    line: lineAt(text, match.index),
    text: match[0].trim().replace(/\s+/g, ' '),
  }))
}

function violation(rule: string, at: string, why: string): Violation {
  return { rule, at, why }
}
