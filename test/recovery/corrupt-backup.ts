import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { readdirSync, readFileSync, unlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { inspect } from 'node:util'
import type { VerifierKey } from '../../src/crypto/transparency/signed-note.ts'
import { xWingPublicKey } from '../../src/crypto/x-wing.ts'
import { KeyMaterial } from '../../src/crypto/key-material.ts'
import { toInstant } from '../../src/model/clock.ts'
import type { Coffre } from '../../src/model/coffre.ts'
import { CoffreError, type ErrorCode } from '../../src/model/errors.ts'
import { trustedSigners } from '../../src/service/backup/backup-keys.ts'
import { Backups } from '../../src/service/backup/backups.ts'
import type { Openers } from '../../src/service/backup/slots.ts'
import { restoreBackup } from '../../src/service/backup/restore.ts'
import { streamSource } from '../../src/store/source/stream-source.ts'
import { fileTarget } from '../../src/store/source/stream-target.ts'
import { Draw } from '../fuzz/mutate.ts'
import { MemoryObjects } from './memory-objects.ts'

const SERIES = 'nightly'
const CATALOGUE = `${SERIES}/catalogue`
/** The backup that is attacked; there is an older one, and a newer. */
const SEQUENCE = 2
const SEED = new KeyMaterial(Buffer.alloc(32, 9))
const OLD_SEED = new KeyMaterial(Buffer.alloc(32, 8))
const BEFORE = 'what is on the target'
/** Magic and id, salt, commitment (docs/spec/backup.md). */
const HEAD_BYTES = 20 + 24 + 32
const CHUNK_BYTES = 16 * 1024 + 16

type Objects = ReadonlyMap<string, Buffer>

/** What was done to the target of a backup. */
interface Damage {
  readonly what: string
  readonly objects: Objects
  /** The body, where only that was changed. */
  readonly body?: Buffer
  /** It is still the same backup: restoring it is right. */
  readonly isHarmless?: boolean
  /** What its reader has; the recovery key when absent. */
  readonly openers?: Openers
  readonly acceptAnySigner?: boolean
}

export interface CorruptionResult {
  readonly cases: number
  /** How often each was the answer, and `same content` where the backup was restored as it was made. */
  readonly answers: Readonly<Record<string, number>>
}

/** A series in memory with three backups, and a file that they would be restored over. */
export class CorruptionPlace {
  readonly content: Buffer
  readonly objects: Objects
  /** As it was before the second backup, and before its rekey. */
  readonly older: Objects
  readonly bodyName: string
  readonly #folder: string
  readonly #signers: readonly VerifierKey[]
  readonly #revision: number
  readonly #answers: Record<string, number> = {}
  #cases = 0

  private constructor(parts: {
    readonly content: Buffer
    readonly objects: Objects
    readonly older: Objects
    readonly bodyName: string
    readonly folder: string
    readonly signers: readonly VerifierKey[]
    readonly revision: number
  }) {
    this.content = parts.content
    this.objects = parts.objects
    this.older = parts.older
    this.bodyName = parts.bodyName
    this.#folder = parts.folder
    this.#signers = parts.signers
    this.#revision = parts.revision
    writeFileSync(this.#file, BEFORE)
  }

  /** Of random bytes, so that the body is as long. */
  static async make(coffre: Coffre, folder: string, bytes: number): Promise<CorruptionPlace> {
    const target = new MemoryObjects()
    const seen = new Map<string, number>()
    const backups = backupsOn(target, () => trustedSigners(coffre), seen)
    const recovery = (seed: KeyMaterial) => ({ recovery: [xWingPublicKey(seed)] })
    const create = (content: Buffer, seed: KeyMaterial) =>
      backups.create(sourceOf(content), coffre, { series: SERIES, recipients: recovery(seed) })
    const content = randomBytes(bytes)
    await create(randomBytes(bytes), SEED)
    const { id } = await create(content, OLD_SEED)
    const older = new Map(target.objects)
    const change = { recipients: recovery(SEED), coffre }
    await backups.rekey({ series: SERIES, sequence: SEQUENCE }, { recoveryKey: OLD_SEED }, change)
    await create(randomBytes(bytes), SEED)
    return new CorruptionPlace({
      content,
      objects: new Map(target.objects),
      older,
      bodyName: `${SERIES}/${id}.body`,
      folder,
      signers: await trustedSigners(coffre),
      revision: Math.max(...seen.values()),
    })
  }

  get manifestName(): string {
    return `${SERIES}/${String(SEQUENCE).padStart(12, '0')}.manifest`
  }

  get result(): CorruptionResult {
    return { cases: this.#cases, answers: this.#answers }
  }

  /** The object, changed; `undefined` takes it away. */
  with(name: string, bytes: Buffer | undefined): Objects {
    const changed = new Map(this.objects)
    if (bytes === undefined) changed.delete(name)
    else changed.set(name, bytes)
    return changed
  }

  objectOf(name: string): Buffer {
    return this.objects.get(name) ?? assert.fail(`there is no ${name}`)
  }

  /** Restores over a file and looks at it: refused, and nothing changed; or, where that is right, as it was made. */
  async attack(damage: Damage): Promise<void> {
    const { what, isHarmless, body } = damage
    this.#cases += 1
    const error = await this.#restore(damage)
    if (error === undefined) {
      assert.ok(isHarmless === true, `${what}: was restored`)
      this.#count('same content')
      return
    }
    assert.ok(error instanceof CoffreError, `${what}: ${inspect(error)}`)
    assert.ok(isRefusal(error.code), `${what}: ${inspect(error)}`)
    if (body !== undefined) this.#requireChunk(what, body, error)
    assert.deepEqual(readdirSync(this.#folder), ['restored'], `${what}: something lies beside the target`)
    assert.equal(readFileSync(this.#file, 'utf8'), BEFORE, `${what}: the target was touched`)
    this.#count(error.code)
  }

  /** The first bad chunk is named; of a body of another length nothing is read. */
  #requireChunk(what: string, body: Buffer, error: CoffreError): void {
    const genuine = this.objectOf(this.bodyName)
    const { at, chunk, reason } = error.facts
    assert.equal(at, 'body', what)
    if (body.length !== genuine.length) return assert.equal(reason, 'length', what)
    let first = 0
    while (body[first] === genuine[first]) first += 1
    assert.equal(chunk, Math.max(0, Math.floor((first - HEAD_BYTES) / CHUNK_BYTES)), what)
  }

  async #restore({
    objects,
    openers = { recoveryKey: SEED },
    acceptAnySigner = false,
  }: Damage): Promise<unknown> {
    const seen = new Map([[SERIES, this.#revision]])
    const backups = backupsOn(new MemoryObjects(objects), async () => this.#signers, seen)
    const target = fileTarget({ path: this.#file, id: '0', replace: true })
    const reference = { series: SERIES, sequence: SEQUENCE }
    try {
      await restoreBackup(backups, reference, target, openers, { acceptAnySigner })
    } catch (error) {
      return error
    }
    assert.ok(readFileSync(this.#file).equals(this.content), 'another content was restored')
    for (const name of readdirSync(this.#folder)) {
      if (name !== 'restored') unlinkSync(join(this.#folder, name))
    }
    writeFileSync(this.#file, BEFORE)
    return undefined
  }

  get #file(): string {
    return join(this.#folder, 'restored')
  }

  #count(answer: string): void {
    this.#answers[answer] = (this.#answers[answer] ?? 0) + 1
  }
}

/** One bit of every byte of every object of the backup; the manifest once more for a reader who accepts any signer. */
export async function corruptEveryByte(place: CorruptionPlace, draw: Draw, step = 1): Promise<void> {
  for (const name of [place.bodyName, place.manifestName, CATALOGUE]) {
    const whole = place.objectOf(name)
    for (let at = draw.below(step); at < whole.length; at += step) {
      const changed = flip(whole, at, 1 << draw.below(8))
      const body = name === place.bodyName ? { body: changed } : {}
      await place.attack({ what: `${name}, byte ${at}`, objects: place.with(name, changed), ...body })
    }
  }
  const manifest = place.objectOf(place.manifestName)
  const signatures = manifest.lastIndexOf('\n\n') + 2
  for (let at = draw.below(step); at < manifest.length; at += step) {
    await place.attack({
      what: `any signer, manifest, byte ${at}`,
      objects: place.with(place.manifestName, flip(manifest, at, 1 << draw.below(8))),
      // Whoever accepts any signer asked for that; what is signed is bound to the key as well.
      isHarmless: at >= signatures,
      acceptAnySigner: true,
    })
  }
}

/** Flips, cuts, insertions, exchanged and repeated chunks, exchanged, older and missing objects, at random. */
export async function corruptAtRandom(place: CorruptionPlace, draw: Draw, count: number): Promise<void> {
  for (let number = 1; number <= count; ) {
    const damage = drawDamage(place, draw)
    if (damage === undefined) continue
    await place.attack({ ...damage, what: `${number}: ${damage.what}` })
    number += 1
  }
}

/** An object of this backup and what is done to it; `undefined` where nothing came of it. */
function drawDamage(place: CorruptionPlace, draw: Draw): Damage | undefined {
  if (draw.below(10) === 0) return drawExchange(place, draw)
  const name = draw.pick([place.bodyName, place.bodyName, place.manifestName, CATALOGUE]) ?? CATALOGUE
  const whole = place.objectOf(name)
  const [what, change] = draw.pick(Object.entries(CHANGES)) ?? assert.fail()
  const changed = change(whole, draw)
  if (changed.equals(whole)) return undefined
  const body = name === place.bodyName ? { body: changed } : {}
  return { what: `${name}: ${what}`, objects: place.with(name, changed), ...body }
}

/** One object in the place of another, as it was before, or none. */
function drawExchange(place: CorruptionPlace, draw: Draw): Damage | undefined {
  const own = [place.bodyName, place.manifestName, CATALOGUE]
  const name = draw.pick(own) ?? CATALOGUE
  const other = draw.pick([...place.objects.keys()]) ?? CATALOGUE
  const [what, bytes] =
    draw.pick([
      ['another', place.objectOf(other)],
      ['older', place.older.get(name)],
      ['none', undefined],
    ] as const) ?? assert.fail()
  if (bytes?.equals(place.objectOf(name)) === true) return undefined
  // The manifest of before the rekey is for the old key, which opens the same content.
  const isOldManifest = what === 'older' && name === place.manifestName
  const openers = { recoveryKey: draw.below(2) === 0 ? SEED : OLD_SEED }
  const isHarmless = isOldManifest && openers.recoveryKey === OLD_SEED
  return { what: `${name}: ${what} (${other})`, objects: place.with(name, bytes), openers, isHarmless }
}

export const CHANGES: Readonly<Record<string, (whole: Buffer, draw: Draw) => Buffer>> = {
  'a bit': (whole, draw) => flip(whole, draw.below(whole.length), 1 << draw.below(8)),
  'a byte': (whole, draw) => flip(whole, draw.below(whole.length), draw.below(256)),
  'cut at the end': (whole, draw) => whole.subarray(0, draw.below(whole.length)),
  'cut at the start': (whole, draw) => whole.subarray(1 + draw.below(whole.length)),
  'cut out': (whole, draw) => {
    const [from, to] = range(whole, draw)
    return Buffer.concat([whole.subarray(0, from), whole.subarray(to)])
  },
  inserted: (whole, draw) => {
    const at = draw.below(whole.length + 1)
    return Buffer.concat([whole.subarray(0, at), randomBytes(1 + draw.below(100)), whole.subarray(at)])
  },
  appended: (whole, draw) => Buffer.concat([whole, randomBytes(1 + draw.below(40_000))]),
  repeated: (whole, draw) => {
    const [from, to] = range(whole, draw)
    return Buffer.concat([whole.subarray(0, to), whole.subarray(from)])
  },
  zeros: (whole, draw) => {
    const [from, to] = range(whole, draw)
    return Buffer.from(whole).fill(0, from, to)
  },
  'a chunk in the place of another': (whole, draw) => {
    const chunks = Math.floor((whole.length - HEAD_BYTES) / CHUNK_BYTES)
    const [to, from] = [draw.below(chunks), draw.below(chunks)].map((at) => HEAD_BYTES + at * CHUNK_BYTES)
    const changed = Buffer.from(whole)
    if (to !== undefined && from !== undefined) whole.copy(changed, to, from, from + CHUNK_BYTES)
    return changed
  },
  'two chunks exchanged': (whole, draw) => {
    const chunks = Math.floor((whole.length - HEAD_BYTES) / CHUNK_BYTES)
    const [left = 0, right = 0] = [draw.below(chunks), draw.below(chunks)].map(
      (at) => HEAD_BYTES + at * CHUNK_BYTES,
    )
    const changed = Buffer.from(whole)
    whole.copy(changed, left, right, right + CHUNK_BYTES)
    whole.copy(changed, right, left, left + CHUNK_BYTES)
    return changed
  },
}

function range(whole: Buffer, draw: Draw): [from: number, to: number] {
  const from = draw.below(whole.length)
  return [from, from + 1 + draw.below(whole.length - from)]
}

function flip(whole: Buffer, at: number, mask: number): Buffer {
  const changed = Buffer.from(whole)
  changed[at] = (changed[at] ?? 0) ^ mask
  return changed
}

const REFUSALS: ReadonlySet<ErrorCode> = new Set([
  'BACKUP_DAMAGED',
  'BACKUP_UNTRUSTED',
  'BACKUP_ROLLED_BACK',
  'BACKUP_NOT_FOUND',
  'BACKUP_KEY_MISSING',
  'DECRYPTION_FAILED',
])

function isRefusal(code: ErrorCode): boolean {
  return REFUSALS.has(code)
}

function backupsOn(
  target: MemoryObjects,
  signers: () => Promise<readonly VerifierKey[]>,
  revisions: Map<string, number>,
): Backups {
  const note = async (_place: string, series: string, revision: number) => {
    revisions.set(series, revision)
  }
  const read = async (_place: string, series: string) => revisions.get(series) ?? 0
  const seen = { read, remember: note, accept: note }
  return new Backups({ target, clock: () => toInstant(Date.now()), seen, signers })
}

function sourceOf(content: Buffer) {
  const input = (async function* () {
    yield content
  })()
  return streamSource({ name: 'dump.sql', input })
}
