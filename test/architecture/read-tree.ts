import { execFileSync } from 'node:child_process'
import { existsSync, globSync, readFileSync, statSync } from 'node:fs'
import { join, resolve } from 'node:path'
import type { Tree } from './rules.ts'

const ROOT = resolve(import.meta.dirname, '../..')
const TEXT_FILE = /\.([cm]?[jt]sx?|json|md|sh|ya?ml)$|(^|\/)\.ci\/run$/
const NOT_OURS = /(^|\/)(node_modules|dist|coverage|coffre-data)\/|package-lock\.json$/

/** The text files of the project as they lie on the disk, committed or not. */
export function readTree(): Tree {
  const paths = existsSync(join(ROOT, '.git')) ? pathsOfGit() : globSync('**/*', { cwd: ROOT })
  const files = paths.filter((path) => TEXT_FILE.test(path) && !NOT_OURS.test(path) && isFile(path))
  return new Map(files.map((path) => [path, readFileSync(join(ROOT, path), 'utf8')]))
}

function pathsOfGit(): string[] {
  const list = ['ls-files', '--cached', '--others', '--exclude-standard', '-z']
  const output = execFileSync('git', list, { cwd: ROOT, encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 })
  return output.split('\0').filter((path) => path !== '')
}

function isFile(path: string): boolean {
  return statSync(join(ROOT, path), { throwIfNoEntry: false })?.isFile() ?? false
}
