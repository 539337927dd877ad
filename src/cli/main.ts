#!/usr/bin/env node
import { runCli } from './run-cli.ts'

// `coffre … | head` closes our output early; that is the reader's choice and no error.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0)
  throw error
})

const { stdin, stdout, stderr, env } = process
process.exitCode = await runCli(process.argv.slice(2), { stdin, stdout, stderr, environment: env })
