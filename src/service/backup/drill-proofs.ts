import { sha256 } from '../../crypto/digest.ts'
import { judgeNote, type VerifierKey } from '../../crypto/transparency/signed-note.ts'
import type { BackupDrill, BackupSlotView, DrillList, DrillReason } from '../../model/backup.ts'
import { type Clock, DAY, HOUR, type Instant } from '../../model/clock.ts'
import type { ObjectStore } from '../../store/object-store.ts'
import { type BackupCoffre, signWithCoffre } from './backup-keys.ts'
import { parseProof, proofText } from './drill-proof.ts'
import { type Manifest, viewSlot } from './manifest.ts'
import { manifestName, once, readText, SeriesReader, type SeriesReaderParts } from './series.ts'

export interface DrillProofsParts extends SeriesReaderParts {
  readonly clock: Clock
}

export interface DueOptions {
  /** Tells the current versions of keys. */
  readonly coffre: Pick<BackupCoffre, 'keys'>
  /** 31 when absent. */
  readonly maxAgeDays?: number
}

const PROOF = /^(?<backup>[a-z0-9._-]+\/[0-9]{12})\.(?<id>[0-9a-f-]{36})\.drill$/
const MAX_PROOF_BYTES = 16 * 1024
/** The newest of a series; older ones stay on the target as long as their backups. */
const MAX_LISTED = 100
const MAX_AGE_DAYS = 31
/** Clocks of two machines are less apart. */
const AHEAD_MS = HOUR

/** Proofs of drills, each an object beside the manifest that it is about. */
export class DrillProofs {
  readonly #target: ObjectStore
  readonly #reader: SeriesReader
  readonly #findSigners: () => Promise<readonly VerifierKey[]>
  readonly #clock: Clock

  constructor(parts: DrillProofsParts) {
    this.#target = parts.target
    this.#reader = new SeriesReader(parts)
    this.#findSigners = parts.signers
    this.#clock = parts.clock
  }

  now(): Instant {
    return this.#clock()
  }

  async write(drill: BackupDrill, coffre: BackupCoffre): Promise<void> {
    const text = await signWithCoffre(coffre, proofText(drill))
    const options = { ifAbsent: true, bytes: Buffer.byteLength(text) }
    await this.#target.write(proofName(drill), once(text), options)
  }

  /** With why the next one is due, if it is. Throws BACKUP_NOT_FOUND for a series without a backup. */
  async list(series: string, { coffre, maxAgeDays = MAX_AGE_DAYS }: DueOptions): Promise<DrillList> {
    await this.#reader.readCatalogue(series)
    const { manifest } = await this.#reader.readNewest(series)
    const { drills, untrusted } = await this.#read(series)
    const keys = await keysOf(manifest.slots.map(viewSlot), coffre)
    // One from the future is of a clock that was wrong, and would be the last one until then.
    const newest = this.#clock() + AHEAD_MS
    const last = drills.find(({ startedAt }) => Date.parse(startedAt) <= newest)
    const due = reasonOf(last, { manifest, keys, oldest: this.#clock() - maxAgeDays * DAY })
    return { drills, untrusted, ...(due === undefined ? {} : { due }) }
  }

  async #read(series: string): Promise<Pick<DrillList, 'drills' | 'untrusted'>> {
    const signers = await this.#findSigners()
    const names = new Map<string, string>()
    for await (const { name } of this.#target.list(`${series}/`)) {
      const id = PROOF.exec(name)?.groups?.['id']
      if (id !== undefined) names.set(id, name)
    }
    // An id begins with its time.
    const newest = [...names.keys()].toSorted().toReversed().slice(0, MAX_LISTED)
    const drills: BackupDrill[] = []
    for (const id of newest) {
      const name = names.get(id) ?? ''
      const proof = parseProof(await readText(this.#target, name, MAX_PROOF_BYTES))
      const isOurs =
        proof !== undefined && proofName(proof.drill) === name && judgeNote(proof.note, signers) === 'signed'
      if (isOurs) drills.push(proof.drill)
    }
    return { drills, untrusted: newest.length - drills.length }
  }
}

/** Beside the manifest, so that both go together. */
function proofName({ series, sequence, id }: Pick<BackupDrill, 'series' | 'sequence' | 'id'>): string {
  return manifestName(series, sequence).replace(/manifest$/, `${id}.drill`)
}

/** Whose proof an object is, as the name of that backup's manifest. */
export function manifestOfProof(name: string): string | undefined {
  const backup = PROOF.exec(name)?.groups?.['backup']
  return backup === undefined ? undefined : `${backup}.manifest`
}

/** An id begins with its time. */
export function newestProof(names: readonly string[]): string | undefined {
  const idOf = (name: string) => PROOF.exec(name)?.groups?.['id'] ?? ''
  return names
    .filter((name) => PROOF.test(name))
    .toSorted((left, right) => (idOf(left) < idOf(right) ? 1 : -1))[0]
}

export function manifestDigest({ note }: Manifest): string {
  return Buffer.from(sha256(Buffer.from(note.text))).toString('hex')
}

/** What opens a backup, with the version that each key of the Coffre has by now: `key backup 3`, `recovery 0f1e…`. */
export async function keysOf(
  slots: readonly BackupSlotView[],
  coffre: Pick<BackupCoffre, 'keys'>,
): Promise<readonly string[]> {
  const keys: string[] = []
  for (const slot of slots) {
    if (slot.slot === 'key') {
      const { currentVersion } = await coffre.keys.get(slot.key)
      keys.push(`key ${slot.key} ${currentVersion ?? '–'}`)
    } else keys.push(slot.slot === 'recovery' ? `recovery ${slot.recipient}` : 'passphrase')
  }
  return keys.toSorted()
}

interface Now {
  readonly manifest: Manifest
  readonly keys: readonly string[]
  /** A drill before it is too long ago. */
  readonly oldest: number
}

function reasonOf(last: BackupDrill | undefined, { manifest, keys, oldest }: Now): DrillReason | undefined {
  if (last === undefined) return 'never'
  if (last.outcome !== 'passed') return 'failed'
  if (last.keys.join('\n') !== keys.join('\n')) return 'keys-changed'
  // Of the same backup: its manifest was written again.
  if (last.backup === manifest.header.id && last.manifest !== manifestDigest(manifest)) return 'rekeyed'
  return Date.parse(last.startedAt) < oldest ? 'old' : undefined
}
