import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { commandRows } from '../../src/cli/commands.ts'
import type { CommandRow } from '../../src/cli/command-row.ts'
import { CoffreProcess } from '../cli/coffre-process.ts'
import { Canaries } from './canary.ts'

/** Commands whose answer is the secret, or that do not end. */
const NOT_RUN: Readonly<Record<string, string>> = {
  serve: 'it does not end; endpoints.test.ts runs a server',
}
/** What a command writes to its output may be what was put in. Nothing may be in its errors. */
const OUTPUT_IS_DATA: ReadonlySet<string> = new Set(['decrypt', 'file decrypt'])

test('a secret on the input of any command, or in any of its files, is in no message of it', async (t) => {
  const process_ = new CoffreProcess(t)
  await process_.prepare('init', 'key create canary')
  const canaries = new Canaries()
  canaries.add(Buffer.from(readFileSync(join(process_.dataDir, 'seal.key'), 'utf8').trim(), 'hex'))
  let runs = 0
  for (const row of commandRows) {
    const name = row.path.join(' ')
    if (NOT_RUN[name] !== undefined) continue
    for (const args of argumentsOf(row, () => secretFile(process_, canaries))) {
      const finished = await process_.runHere(args, {
        input: `${canaries.make()}\n${canaries.make()}\n`,
        environment: { COFFRE_TOKEN: canaries.make(), COFFRE_PASSPHRASE: canaries.make() },
      })
      runs += 1
      canaries.requireNone(`the errors of coffre ${name}`, finished.error)
      if (finished.code !== 0 || !OUTPUT_IS_DATA.has(name))
        canaries.requireNone(`the output of coffre ${name}`, finished.bytes)
    }
  }
  assert.ok(runs > commandRows.length)
  t.diagnostic(`cases: ${canaries.size} secrets, ${runs} runs of ${commandRows.length} commands`)
})

/** A command three times: bare, for machines, and with a secret in every file that it takes. */
function argumentsOf(row: CommandRow, makeFile: () => string): readonly (readonly string[])[] {
  const given = (row.arguments ?? []).map((argument) => argument.choices?.[0] ?? 'canary')
  const bare = [...row.path, ...given]
  const files = (row.options ?? [])
    .filter(({ flags }) => /<(file|path)>/.test(flags))
    .flatMap(({ flags }) => [/--[a-z-]+/.exec(flags)?.[0] ?? '', makeFile()])
  return [bare, [...bare, '--json'], [...bare, ...files, '--json']]
}

let files = 0

function secretFile(process_: CoffreProcess, canaries: Canaries): string {
  const path = process_.path(`secret-${(files += 1)}`)
  writeFileSync(path, `${canaries.make()}\n`, { mode: 0o600 })
  return path
}
