import { runCli } from './cli/run-cli.ts'

// `npm start`: the server on its defaults. Everything that it says and takes is `coffre serve`.
const { stdin, stdout, stderr, env } = process
process.exitCode = await runCli(['serve', ...process.argv.slice(2)], {
  stdin,
  stdout,
  stderr,
  environment: env,
})
