import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { randomUuid } from '../../crypto/random.ts'
import type { Secret } from '../../model/secret.ts'
import { writePrivateFile } from '../../seal/file/private-file.ts'
import { type Caller, systemCaller } from '../caller.ts'
import type { Core } from './core.ts'

/** A node that died in its first start holds up the next one for so long. */
const FIRST_START_LEASE_MS = 3_000
const FIRST_START_PAUSE_MS = 50
const FIRST_TOKEN_TTL_SECONDS = 31_536_000 // one year: it is there to make others

export function firstTokenFile(dataDir: string): string {
  return join(dataDir, 'first-token')
}

/** Waits for another node that is at it; when that one dies, until its lease ends. Answers how to give it back. */
export async function claimFirstStart(core: Core): Promise<() => Promise<void>> {
  const lease = { name: 'first start', holder: randomUuid(), leaseMs: FIRST_START_LEASE_MS }
  while (!(await core.store.transaction((tx) => tx.claimJob(lease)))) await setTimeout(FIRST_START_PAUSE_MS)
  return () => core.store.transaction((tx) => tx.finishJob({ ...lease, againInMs: 0 }))
}

/** A start that died before it had a token makes one. */
export async function ensureFirstToken(core: Core, dataDir: string): Promise<void> {
  const caller = systemCaller('start')
  const isMissing = async () => !core.isSealed && (await core.tokens.list(caller)).length === 0
  if (!(await isMissing())) return
  const giveBack = await claimFirstStart(core)
  try {
    if (await isMissing()) await makeFirstToken(core, caller, dataDir)
  } finally {
    await giveBack()
  }
}

export async function makeFirstToken(core: Core, caller: Caller, dataDir: string): Promise<Secret> {
  const request = { name: 'first token', role: 'admin', ttlSeconds: FIRST_TOKEN_TTL_SECONDS } as const
  const { token } = await core.tokens.create(caller, request, async (made) => {
    await writePrivateFile(firstTokenFile(dataDir), `${made.reveal()}\n`, { ifExists: 'replace' })
  })
  return token
}
