import { readFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { setTimeout } from 'node:timers/promises'
import { serve } from '../../src/app.ts'
import { connectCoffre } from '../../src/client/connect-coffre.ts'
import type { Coffre } from '../../src/model/coffre.ts'
import { CoffreError } from '../../src/model/errors.ts'

/*
 * The server that disk-faults.test.ts takes the disk away from. For each line on its input, the status that /readyz
 * should come to, it tries everything once and writes what came of it, as one line of JSON.
 */
const [dataDir = ''] = process.argv.slice(2)
const server = await serve({ dataDir, createIfMissing: true, host: '127.0.0.1', port: 0, logLevel: 'silent' })
const token = readFileSync(server.firstTokenFile, 'utf8').trim()
const coffre = connectCoffre(server.url, token)
await coffre.keys.create({ name: 'k' })
const { ciphertext } = await coffre.encrypt({ key: 'k', plaintext: 'kept' })

type Attempt = (coffre: Coffre) => Promise<unknown>

const ATTEMPTS: Readonly<Record<string, Attempt>> = {
  encrypt: () => coffre.encrypt({ key: 'k', plaintext: 'x' }),
  decrypt: () => coffre.decrypt({ ciphertext }),
  rotate: () => coffre.keys.rotate('k'),
  create: () => coffre.keys.create({ name: `new-${(made += 1)}` }),
  'token create': () => coffre.tokens.create({ name: 't', role: 'app' }),
  list: () => coffre.keys.list(),
  get: () => coffre.keys.get('k'),
  tokens: () => coffre.tokens.list(),
  status: () => coffre.operator.status(),
  records: () => coffre.audit.list({ last: 10 }),
  verify: () => coffre.audit.verify(),
}
let made = 0
const MAX_ASKED = 100
const ASK_PAUSE_MS = 50

async function tryEverything(expected: number): Promise<Record<string, string | number>> {
  const outcomes: Record<string, string | number> = {}
  for (const [name, attempt] of Object.entries(ATTEMPTS)) {
    outcomes[name] = await attempt(coffre).then(
      () => 'ok',
      (error: unknown) => (error instanceof CoffreError ? error.code : String(error)),
    )
  }
  const { versions } = await coffre.keys.get('k')
  const ready = await waitForReadiness(expected)
  return {
    ...outcomes,
    versions: versions.length,
    ready,
    live: (await fetch(`${server.url}/livez`)).status,
  }
}

/** Readiness is judged at most once a second, so it may follow a little later. */
async function waitForReadiness(expected: number): Promise<number> {
  for (let asked = 1; ; asked += 1) {
    const { status } = await fetch(`${server.url}/readyz`)
    if (status === expected || asked === MAX_ASKED) return status
    await setTimeout(ASK_PAUSE_MS)
  }
}

process.stdout.write('open\n')
for await (const line of createInterface({ input: process.stdin })) {
  process.stdout.write(`${JSON.stringify(await tryEverything(Number(line)))}\n`)
}
await coffre.close()
await server.close()
