import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { after, test } from 'node:test'
import { startServer } from './running-server.ts'

// Its commands are run with those of every other page: test/docs.
const page = readFileSync(new URL('../../docs/en/api.md', import.meta.url), 'utf8')
const { send } = await startServer({ after })

test('docs/en/api.md has every endpoint of /openapi.json, its summary and a command, and no other', async () => {
  const { body } = await send('/openapi.json')
  const paths = body['paths'] as Record<string, Record<string, { summary: string }>>
  const described = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods)
      .filter(([method]) => method !== 'head')
      .map(([method, { summary }]) => `${method.toUpperCase()} ${path}: ${summary}.`),
  )
  const written = [...page.matchAll(/^### (.+)\n\n(.+)\n\n```sh\n/gm)].map(
    ([, what, summary]) => `${what}: ${summary}`,
  )
  assert.ok(described.length > 40)
  assert.deepEqual(written.toSorted(), described.toSorted())
})
