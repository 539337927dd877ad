import { serve } from '../../src/app.ts'

// A server that says everything it ever logs, until its standard input ends.
const server = await serve({
  dataDir: process.argv[2] ?? '',
  createIfMissing: true,
  host: '127.0.0.1',
  port: 0,
  logLevel: 'trace',
})
console.log(server.url)
process.stdin.resume().on('end', () => void server.close())
