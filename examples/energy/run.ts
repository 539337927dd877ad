import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { Application } from './application.ts'
import { type CoffrePackage, findPackage } from './coffre-package.ts'
import { connect, type Via, VIAS } from './connection.ts'
import { EnergyData } from './generator.ts'
import { makeReporter, type Reporter } from './reporter.ts'
import { Scenario, type Summary } from './scenario.ts'

const USAGE = `node examples/energy/run.ts [options]

  --via library|http|cli  embedded (default), a server, or the command line against a server
  --data-dir <folder>     kept afterwards; run again on it after a kill. A temporary one when absent
  --days <number>         1095 (three years) when absent, at least 10
  --seed <number>         of the documents, 1 when absent
  --package <folder>      an installed package, or "source"; when absent what import 'coffre' finds
  --progress              counts in the events, where standard error is no terminal
  --json                  the summary as JSON`

const MIN_DAYS = 10
const MAX_DAYS = 36_500

interface Choice {
  readonly via: Via
  readonly folder: string | undefined
  readonly days: number
  readonly seed: number
  readonly used: CoffrePackage
  readonly counts: boolean
  readonly json: boolean
}

function readChoice(args: readonly string[]): Choice {
  const text = { type: 'string' } as const
  const flag = { type: 'boolean', default: false } as const
  const { values } = parseArgs({
    args: [...args],
    options: {
      via: { ...text, default: 'library' },
      'data-dir': text,
      days: { ...text, default: '1095' },
      seed: { ...text, default: '1' },
      package: text,
      progress: flag,
      json: flag,
    },
  })
  const via = VIAS.find((name) => name === values.via)
  if (via === undefined) throw new Error(`--via is one of ${VIAS.join(', ')}`)
  return {
    via,
    folder: values['data-dir'],
    days: readWhole('days', values.days, MIN_DAYS, MAX_DAYS),
    seed: readWhole('seed', values.seed, 0, 2 ** 31 - 1),
    used: findPackage(values.package),
    counts: values.progress,
    json: values.json,
  }
}

function readWhole(name: string, text: string, least: number, most: number): number {
  const value = Number(text)
  if (/^\d+$/.test(text) && value >= least && value <= most) return value
  throw new Error(`--${name} is a whole number from ${least} to ${most}`)
}

async function runIn(folder: string, choice: Choice, reporter: Reporter): Promise<Summary> {
  mkdirSync(folder, { recursive: true })
  const { days, seed } = choice
  const application = new Application(join(folder, 'application.db'))
  try {
    application.keepSetting('days', String(days))
    application.keepSetting('seed', String(seed))
    const connection = await connect(choice.via, choice.used, folder)
    try {
      reporter.note({
        event: 'started',
        via: choice.via,
        package: choice.used.name,
        stored: application.size,
      })
      const data = new EnergyData({ seed, days })
      return await new Scenario({ connection, application, data, reporter }).run()
    } finally {
      await connection.close()
    }
  } finally {
    application.close()
  }
}

function count(value: number): string {
  return value.toLocaleString('en')
}

function formatSummary(summary: Summary, via: Via): string {
  const versions = Object.entries(summary.versions).map(([version, state]) => `${version} ${state}`)
  const seconds = Object.entries(summary.seconds).map(([phase, value]) => `${phase} ${value} s`)
  return [
    `every byte is back, via ${via}`,
    `  documents  ${count(summary.documents)} with ${count(summary.points)} points, ${count(summary.bytes)} bytes`,
    `  this run   ${count(summary.written)} written, ${count(summary.rewrapped)} rewrapped, ${count(summary.readMeanwhile)} read meanwhile`,
    `  versions   ${versions.join(', ')}`,
    `  time       ${seconds.join(', ')}`,
    `  audit      ${count(summary.auditSize)} records, root ${summary.auditRoot}`,
  ].join('\n')
}

async function main(args: readonly string[]): Promise<number> {
  if (args.includes('--help')) {
    console.log(USAGE)
    return 0
  }
  const choice = readChoice(args)
  const folder = resolve(choice.folder ?? mkdtempSync(join(tmpdir(), 'coffre-energy-')))
  const reporter = makeReporter(choice)
  try {
    const summary = await runIn(folder, choice, reporter)
    reporter.end()
    console.log(choice.json ? JSON.stringify(summary) : formatSummary(summary, choice.via))
    return 0
  } finally {
    if (choice.folder === undefined) rmSync(folder, { recursive: true, force: true })
  }
}

// A reader or writer may still be waiting when another one failed.
process.exit(
  await main(process.argv.slice(2)).catch((error: unknown) => {
    console.error(error)
    return 1
  }),
)
