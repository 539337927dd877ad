import { globSync } from 'node:fs'
import { basename, join } from 'node:path'

/*
 * npm run campaign                         what there is
 * npm run campaign -- fuzz --count 20000   one of them, with its options
 *
 * A campaign is longer than a test may take; a test runs a short count of the same code. Each is a file in
 * tools/campaign/ that exports `usage`, one line for each way to call it, and `run`, which answers the exit code.
 */
const FOLDER = join(import.meta.dirname, 'campaign')

interface CampaignFile {
  readonly usage: readonly string[]
  readonly run: (args: readonly string[]) => Promise<number>
}

async function main([name, ...args]: readonly string[]): Promise<number> {
  const names = globSync('*.ts', { cwd: FOLDER })
    .map((file) => basename(file, '.ts'))
    .toSorted()
  if (name === undefined || !names.includes(name)) {
    if (name !== undefined) console.error(`no such campaign: ${name}`)
    for (const each of names) printUsage(each, await load(each))
    return 2
  }
  const campaign = await load(name)
  try {
    return await campaign.run(args)
  } catch (error) {
    if (!isMistakeInOptions(error)) throw error
    console.error(error.message)
    printUsage(name, campaign)
    return 2
  }
}

async function load(name: string): Promise<CampaignFile> {
  return (await import(`./campaign/${name}.ts`)) as CampaignFile
}

function printUsage(name: string, { usage }: CampaignFile): void {
  for (const line of usage) console.error(`npm run campaign -- ${name} ${line}`)
}

/** What `parseArgs` and `readNumber` throw. */
function isMistakeInOptions(error: unknown): error is Error {
  const code = error instanceof Error && 'code' in error ? String(error.code) : ''
  return code.startsWith('ERR_PARSE_ARGS') || error instanceof RangeError
}

// Servers that a campaign has started end with it, and they wait for the event `exit`.
for (const [signal, code] of [
  ['SIGINT', 130],
  ['SIGTERM', 143],
] as const) {
  process.once(signal, () => process.exit(code))
}
process.exitCode = await main(process.argv.slice(2))
