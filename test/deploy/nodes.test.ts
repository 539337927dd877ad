import assert from 'node:assert/strict'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { parse } from 'yaml'
import { z } from 'zod'
import { CoffreProcess, startServer } from '../cli/coffre-process.ts'
import { POSTGRES_18, startPostgres } from '../postgres-server.ts'
import { readDeployed } from './known-names.ts'

const COMPOSE = z.object({ 'x-coffre': z.object({ environment: z.record(z.string(), z.string()) }) })

test('the settings of compose.postgres.yaml make two nodes of one Coffre', {
  skip: POSTGRES_18.skip,
}, async (t) => {
  const postgres = await startPostgres(t)
  const cli = new CoffreProcess(t)
  const secrets = cli.path('secrets')
  mkdirSync(secrets)
  writeFileSync(join(secrets, 'seal-key'), `${'5a'.repeat(32)}\n`)
  writeFileSync(join(secrets, 'database-url'), `${await postgres.makeDatabase()}\n`)
  const { environment } = COMPOSE.parse(parse(readDeployed('docker/compose.postgres.yaml')))['x-coffre']
  for (const [name, value] of Object.entries(environment)) {
    cli.environment[name] = value.replace('/run/secrets', secrets)
  }
  const first = await startServer(t, cli)
  const second = await startServer(t, cli)
  const at = (node: { readonly url: string }) => ({
    environment: { COFFRE_ADDR: node.url, COFFRE_TOKEN_FILE: cli.path('coffre-data/first-token') },
  })
  await cli.ok('key create customers', at(first))
  const { out } = await cli.ok('encrypt customers', { ...at(first), input: 'Marie Curie' })
  const decrypted = await cli.ok('decrypt', { ...at(second), input: out })
  assert.equal(decrypted.out, 'Marie Curie')
  // As NOTES.txt of the chart has it: without an address, the command works on the database itself.
  const made = await cli.ok('token create ops --role admin', { environment: { COFFRE_ADDR: '' } })
  writeFileSync(cli.path('ops.token'), made.out)
  await cli.ok(`--addr ${second.url} --token-file ops.token key list`)
})
