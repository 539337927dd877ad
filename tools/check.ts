import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'

/*
 * npm run check            every gate but the tests, two at a time
 * npm run check -- lint    only these
 */
const ROOT = resolve(import.meta.dirname, '..')
const CONCURRENT_STEPS = 2

interface Step {
  readonly name: string
  /** Run one after another; the first that fails ends the step. */
  readonly commands: readonly (readonly [program: string, ...args: string[]])[]
}

interface Outcome {
  readonly step: Step
  readonly passed: boolean
  readonly output: string
}

const DOCS_GENERATOR = 'tools/generate-docs.ts'

const STEPS: readonly Step[] = [
  { name: 'types', commands: [['tsc', '--noEmit']] },
  { name: 'lint', commands: [['oxlint', '--quiet']] },
  { name: 'format', commands: [['biome', 'format', '.']] },
  { name: 'architecture', commands: [['node', 'test/run.ts', 'test/architecture/']] },
  ...(existsSync(join(ROOT, DOCS_GENERATOR))
    ? [{ name: 'docs', commands: [['node', DOCS_GENERATOR, '--check']] } satisfies Step]
    : []),
  { name: 'knip', commands: [['knip', '--no-progress']] },
  {
    name: 'package',
    commands: [
      ['node', 'tools/build.ts'],
      ['publint', 'run', '--strict'],
    ],
  },
]

async function main(names: readonly string[]): Promise<number> {
  const chosen = names.length > 0 ? STEPS.filter(({ name }) => names.includes(name)) : STEPS
  if (chosen.length === 0) {
    console.error(`no such step; there are: ${STEPS.map(({ name }) => name).join(', ')}`)
    return 2
  }
  const failed = (await runAll(chosen)).filter((outcome) => !outcome.passed)
  for (const { step, output } of failed) console.error(`\n--- ${step.name}\n${output.trimEnd()}`)
  console.log(
    failed.length === 0 ? 'check passed' : `check failed: ${failed.length} of ${chosen.length} steps`,
  )
  return failed.length === 0 ? 0 : 1
}

async function runAll(steps: readonly Step[]): Promise<Outcome[]> {
  const outcomes: Outcome[] = []
  const waiting = steps.values()
  const work = async (): Promise<void> => {
    for (const step of waiting) outcomes.push(await runStep(step))
  }
  await Promise.all(Array.from({ length: CONCURRENT_STEPS }, work))
  return outcomes
}

async function runStep(step: Step): Promise<Outcome> {
  const startedAt = performance.now()
  let output = ''
  let passed = true
  for (const command of step.commands) {
    const ended = await runCommand(command)
    output += ended.output
    passed = ended.code === 0
    if (!passed) break
  }
  const seconds = ((performance.now() - startedAt) / 1000).toFixed(1)
  console.log(`${passed ? 'ok  ' : 'FAIL'} ${step.name.padEnd(14)}${seconds} s`)
  return { step, passed, output }
}

function runCommand([program, ...args]: readonly [string, ...string[]]): Promise<{
  code: number | null
  output: string
}> {
  return new Promise((settle) => {
    const child = spawn(program, args, { cwd: ROOT, stdio: ['ignore', 'pipe', 'pipe'] })
    let output = ''
    const collect = (chunk: string): void => {
      output += chunk
    }
    child.stdout.setEncoding('utf8').on('data', collect)
    child.stderr.setEncoding('utf8').on('data', collect)
    child.on('error', (error) => settle({ code: 1, output: `${program}: ${error.message}` }))
    child.on('close', (code) => settle({ code, output }))
  })
}

process.exitCode = await main(process.argv.slice(2))
