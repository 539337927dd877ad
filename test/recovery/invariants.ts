import assert from 'node:assert/strict'
import type {
  BatchItem,
  Coffre,
  ContextPairs,
  Decrypted,
  KeyVersionView,
  KeyView,
} from '../../src/model/coffre.ts'
import { CoffreError, type ErrorCode, hasCode } from '../../src/model/errors.ts'

/** A ciphertext that a Coffre has answered, and what it must open to for ever. */
export interface Kept {
  readonly ciphertext: string
  readonly plaintext: string
  readonly context?: ContextPairs
  readonly key: string
  readonly version: number
}

/** What a Coffre was asked and what it answered, told by the one who asked. */
export class Ledger {
  readonly kept: Kept[] = []
  /** By key: what the last acknowledged change answered. */
  readonly views = new Map<string, KeyView>()
  /** Keys of which a change ended in an error, or in nothing: it may or may not have happened. */
  readonly doubts = new Map<string, string>()
  /** `key:version` that somebody asked to destroy. */
  readonly destroying = new Set<string>()
  /** By audit action; only the actions of which whoever asks tells every attempt are compared with the log. */
  readonly attempted = new Map<string, number>()
  readonly acknowledged = new Map<string, number>()

  attempt(action: string): void {
    count(this.attempted, action)
  }

  acknowledge(action: string): void {
    count(this.acknowledged, action)
  }

  /** A change of `name` that has been asked for and not yet answered. */
  doubt(name: string, move: string): void {
    this.doubts.set(name, move)
  }

  settle(view: KeyView): void {
    this.views.set(view.name, view)
    this.doubts.delete(view.name)
  }

  keep(kept: Kept): void {
    this.kept.push(kept)
  }

  destroy(name: string, version: number): void {
    this.destroying.add(`${name}:${version}`)
  }

  /** The same, with other ciphertexts to open. */
  withKept(kept: readonly Kept[]): Ledger {
    return Object.assign(Object.create(Ledger.prototype) as Ledger, this, { kept: [...kept] })
  }

  add(other: Ledger): void {
    this.kept.push(...other.kept)
    for (const [name, view] of other.views) this.views.set(name, view)
    for (const [name, move] of other.doubts) this.doubts.set(name, move)
    for (const version of other.destroying) this.destroying.add(version)
  }
}

function count(counts: Map<string, number>, action: string): void {
  counts.set(action, (counts.get(action) ?? 0) + 1)
}

/** Changes after which a key may have no active version. */
const MAY_STOP: ReadonlySet<string> = new Set([
  'suspend',
  'deactivate',
  'compromise',
  'destroy',
  'schedule-destroy',
])
const DECRYPTS: ReadonlySet<string> = new Set(['active', 'deactivated', 'compromised'])
const MAX_BATCH = 1_000
const PAGE = 1_000
const MAX_SLOW_ANSWERS = 20

/**
 * I1 to I4 and I6 of the project's fault model, on a Coffre that is open and unsealed:
 * every acknowledged ciphertext decrypts to its own plaintext unless its version may not read; one version is
 * active where the last answer said so; nothing acknowledged is lost; the audit log verifies and has one entry
 * for each acknowledged operation; what is answered is right.
 */
export async function checkInvariants(coffre: Coffre, ledger: Ledger): Promise<void> {
  const keys = await listAll(coffre)
  for (const [name, view] of ledger.views) checkKey(ledger, view, keys.get(name))
  for (const key of keys.values()) checkShape(key)
  await checkKept(coffre, ledger, keys)
  await checkAudit(coffre, ledger)
}

async function listAll(coffre: Coffre): Promise<Map<string, KeyView>> {
  const keys = new Map<string, KeyView>()
  for (let page = await coffre.keys.list({ limit: PAGE }); page.length > 0; ) {
    for (const key of page) keys.set(key.name, key)
    const last = page.at(-1)?.name
    page = last === undefined ? [] : await coffre.keys.list({ limit: PAGE, after: last })
  }
  return keys
}

function checkShape(key: KeyView): void {
  const numbers = key.versions.map(({ version }) => version)
  assert.deepEqual(
    numbers,
    numbers.map((_, index) => index + 1),
    `${key.name} has a gap in its versions`,
  )
  const active = key.versions.filter(({ state }) => state === 'active')
  assert.ok(active.length <= 1, `${key.name} has ${active.length} active versions`)
  assert.equal(key.currentVersion, active[0]?.version)
}

/** I2 and I3 of one key. */
function checkKey(ledger: Ledger, acknowledged: KeyView, stored: KeyView | undefined): void {
  const { name } = acknowledged
  assert.ok(stored !== undefined, `${name} was acknowledged and is gone`)
  const doubt = ledger.doubts.get(name)
  if (doubt === undefined) {
    assert.deepEqual(stored, acknowledged, `${name} is not as it was answered`)
    return
  }
  assert.equal(stored.id, acknowledged.id)
  for (const [index, before] of acknowledged.versions.entries()) {
    const now: KeyVersionView | undefined = stored.versions[index]
    assert.ok(now !== undefined, `${name} has lost version ${before.version}`)
    assert.equal(now.createdAt, before.createdAt)
    assert.equal(now.publicKey, before.publicKey)
    if (before.state === 'destroyed') assert.equal(now.state, 'destroyed', `${name} came back to life`)
  }
  if (acknowledged.currentVersion !== undefined && !MAY_STOP.has(doubt))
    assert.ok(stored.currentVersion !== undefined, `${name} has no active version after a ${doubt}`)
}

/** I1 and I6. */
async function checkKept(coffre: Coffre, ledger: Ledger, keys: ReadonlyMap<string, KeyView>): Promise<void> {
  for (let from = 0; from < ledger.kept.length; from += MAX_BATCH) {
    const slice = ledger.kept.slice(from, from + MAX_BATCH)
    const items = await decryptAll(coffre, ledger, slice)
    for (const [index, kept] of slice.entries()) {
      const item = items[index]
      const key = keys.get(kept.key)
      assert.ok(item !== undefined && key !== undefined)
      const expected = refusalOf(ledger, key, kept.version)
      const where = `${kept.key} version ${kept.version}`
      if (item.ok) {
        assert.equal(expected, undefined, `${where} should not decrypt`)
        assert.equal(
          Buffer.from(item.value.plaintext).toString(),
          kept.plaintext,
          `${where}: another plaintext`,
        )
        assert.equal(item.value.version, kept.version)
      } else assert.equal(item.error.code, expected, `${where} does not decrypt`)
    }
  }
}

/** Asks again while the machine is too busy to record the operation in time. */
async function decryptAll(
  coffre: Coffre,
  ledger: Ledger,
  slice: readonly Kept[],
): Promise<readonly BatchItem<Decrypted>[]> {
  const requests = slice.map(({ ciphertext, context }) => ({
    ciphertext,
    ...(context === undefined ? {} : { context }),
  }))
  for (let left = MAX_SLOW_ANSWERS; ; left -= 1) {
    if (ledger.attempted.has('data.decrypt')) ledger.attempt('data.decrypt')
    try {
      return await coffre.batch('decrypt', requests)
    } catch (error) {
      if (left === 0 || !hasCode(error, 'AUDIT_UNAVAILABLE')) throw error
    }
  }
}

/** What the lifecycle says of a version that may not read; a version is destroyed only when somebody asked. */
function refusalOf(ledger: Ledger, key: KeyView, version: number): ErrorCode | undefined {
  const state = key.versions[version - 1]?.state ?? 'missing'
  if (state === 'destroyed') {
    assert.ok(ledger.destroying.has(`${key.name}:${version}`), `${key.name} lost version ${version}`)
  }
  if (key.destroyAt !== undefined) return 'KEY_PENDING_DESTRUCTION'
  if (state === 'suspended') return 'KEY_SUSPENDED'
  return DECRYPTS.has(state) && version >= key.floor ? undefined : 'KEY_VERSION_UNUSABLE'
}

/** I4: at least what was acknowledged, at most what was attempted. */
async function checkAudit(coffre: Coffre, ledger: Ledger): Promise<void> {
  const verification = await coffre.audit.verify()
  assert.ok(verification.valid, `the audit log does not verify: ${JSON.stringify(verification)}`)
  const recorded = new Map<string, number>()
  for (let from = 0; from < verification.size; from += PAGE) {
    for (const record of await coffre.audit.list({ from, limit: PAGE })) {
      // What Coffre does of its own accord, nobody has attempted.
      if (record.outcome === 'ok' && !record.principal.startsWith('system')) count(recorded, record.action)
    }
  }
  for (const [action, times] of ledger.attempted) {
    const [stored, answered] = [recorded.get(action) ?? 0, ledger.acknowledged.get(action) ?? 0]
    assert.ok(stored >= answered, `${action}: ${answered} acknowledged, ${stored} recorded`)
    assert.ok(stored <= times, `${action}: ${times} attempted, ${stored} recorded`)
  }
}

/** The code of a CoffreError; anything else is a bug and passes. */
export async function codeOf(work: () => Promise<unknown>): Promise<ErrorCode | undefined> {
  try {
    await work()
    return undefined
  } catch (error) {
    if (error instanceof CoffreError) return error.code
    throw error
  }
}
