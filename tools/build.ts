import { spawnSync } from 'node:child_process'
import { existsSync, globSync, readFileSync, rmSync } from 'node:fs'
import { stripTypeScriptTypes } from 'node:module'
import { dirname, join, resolve } from 'node:path'

/*
 * npm run build    src/*.ts to dist/*.js and *.d.ts, from an empty folder
 */
const ROOT = resolve(import.meta.dirname, '..')
const DIST = join(ROOT, 'dist')

/** Relative specifiers of imports, re-exports and dynamic imports, in scripts and declarations. */
const RELATIVE_SPECIFIER = /\b(?:from|import)\s*\(?\s*['"](\.{1,2}\/[^'"\n]*)['"]/g

function main(): number {
  rmSync(DIST, { recursive: true, force: true })
  const compiler = spawnSync('tsc', ['-p', 'tsconfig.build.json'], {
    cwd: ROOT,
    stdio: 'inherit',
    shell: false,
  })
  if (compiler.status !== 0) return 1
  const modules = globSync('**/*.js', { cwd: DIST })
  const faults = modules.length === 0 ? ['the compiler wrote nothing'] : modules.flatMap(findFaults)
  for (const fault of faults) console.error(fault)
  if (faults.length > 0) return 1
  console.log(`built ${modules.length} modules`)
  return 0
}

/** A syntax that Node does not read, or a specifier that leads nowhere, would fail only when it is loaded. */
function findFaults(path: string): string[] {
  const file = join(DIST, path)
  const text = readFileSync(file, 'utf8')
  try {
    stripTypeScriptTypes(text)
  } catch (error) {
    return [`dist/${path}: ${String(error)}`]
  }
  return [...text.matchAll(RELATIVE_SPECIFIER)]
    .map((match) => match[1] ?? '')
    .filter((specifier) => specifier.endsWith('.ts') || !existsSync(join(dirname(file), specifier)))
    .map((specifier) => `dist/${path}: imports ${specifier}, which is not in dist`)
}

process.exitCode = main()
