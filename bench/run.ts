import { spawnSync } from 'node:child_process'
import { globSync } from 'node:fs'
import { basename, join } from 'node:path'

/*
 * npm run bench                  every benchmark, one after another, each in a process of its own
 * npm run bench -- encrypt http  only these
 */
const FOLDER = import.meta.dirname

function main(names: readonly string[]): number {
  const all = globSync('*.ts', { cwd: FOLDER })
    .map((file) => basename(file, '.ts'))
    .filter((name) => name !== 'run' && !name.endsWith('.test'))
    .toSorted()
  const unknown = names.filter((name) => !all.includes(name))
  if (unknown.length > 0 || all.length === 0) {
    console.error(`no such benchmark: ${unknown.join(', ')}\nthere are: ${all.join(', ')}`)
    return 2
  }
  const chosen = names.length > 0 ? names : all
  return chosen.filter((name) => !runBenchmark(name)).length === 0 ? 0 : 1
}

function runBenchmark(name: string): boolean {
  console.log(`\n== ${name}`)
  const args = ['--expose-gc', join(FOLDER, `${name}.ts`)]
  const { status } = spawnSync(process.execPath, args, { stdio: 'inherit' })
  if (status !== 0) console.error(`${name} ended with ${status}`)
  return status === 0
}

process.exitCode = main(process.argv.slice(2))
