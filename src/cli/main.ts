#!/usr/bin/env node
import { readVersion } from '../version.ts'
import { keepHeapSmall } from './small-heap.ts'

// `coffre … | head` closes our output early; that is the reader's choice and no error.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0)
  throw error
})

// A terminal that went away hears no more of the work, which goes on.
process.stderr.on('error', () => {})

const { stdin, stdout, stderr, env } = process
const argv = process.argv.slice(2)

// Before anything is loaded: what has grown stays.
if (argv.includes('backup')) keepHeapSmall()

if (argv.length === 1 && (argv[0] === '--version' || argv[0] === '-V')) {
  // Scripts ask this often; it needs neither the parser nor a catalogue.
  stdout.write(`${readVersion()}\n`)
} else if (argv.length === 1 && argv[0] === '__complete') {
  const { complete } = await import('./complete.ts')
  await complete({ stdin, stdout, stderr, environment: env })
  // A connection that was not made in time would keep the shell waiting.
  process.exit(0)
} else {
  const { runCli } = await import('./run-cli.ts')
  process.exitCode = await runCli(argv, { stdin, stdout, stderr, environment: env })
}
