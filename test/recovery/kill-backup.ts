import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { openBackups, openObjectStore, type ObjectStoreOptions } from '../../src/app-backup.ts'
import { openCoffre } from '../../src/app.ts'
import { toInstant } from '../../src/model/clock.ts'
import { CoffreLine, type Finished, MAIN } from '../cli/coffre-process.ts'
import type { Scope } from '../temporary.ts'

const PRELOAD = join(import.meta.dirname, 'kill-at-disk-call.ts')
const SERIES = 'nightly'
const BEFORE = 'what is on the target'
const TWO_DAYS = 2 * 86_400_000
/** A series that grows with every kill would make each check longer. */
const KEPT = 3

export type KillCommand = 'create' | 'restore' | 'prune' | 'rekey'

/** How one command line ended. */
export interface Ended {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly error: string
}

export interface BucketPlace {
  readonly target: string
  readonly environment: Readonly<Record<string, string>>
  readonly s3: ObjectStoreOptions
}

export interface KillTotals {
  kills: number
  /** The backup was there already, whole. */
  wereDone: number
  /** What was left of uploads, and bodies without a manifest. */
  orphans: number
}

/** A Coffre, a target and what each of its backups holds. */
export class BackupKillPlace {
  readonly cli: CoffreLine
  readonly totals: KillTotals = { kills: 0, wereDone: 0, orphans: 0 }
  readonly target: string
  readonly #contents = new Map<number, string>()
  readonly #bytes: number
  readonly #s3: ObjectStoreOptions | undefined
  #given = ''

  private constructor(cli: CoffreLine, bytes: number, bucket: BucketPlace | undefined) {
    this.cli = cli
    this.#bytes = bytes
    this.#s3 = bucket?.s3
    this.target = bucket?.target ?? cli.path('target')
    Object.assign(cli.environment, bucket?.environment, { COFFRE_BACKUP_TARGET: this.target })
  }

  /** `bytes` of each backup, which is random and so as long on the target. */
  static async make(scope: Scope, bytes: number, bucket?: BucketPlace): Promise<BackupKillPlace> {
    const cli = new CoffreLine(scope)
    mkdirSync(cli.path('target'), { mode: 0o700 })
    mkdirSync(cli.path('out'))
    const place = new BackupKillPlace(cli, bytes, bucket)
    await cli.ok('init')
    for (let number = 0; number < 2; number += 1) await place.addBackup()
    return place
  }

  /** What is killed: a command line, with what it needs made before. */
  async prepare(command: KillCommand): Promise<readonly string[]> {
    if (command === 'create') {
      this.#makeContent()
      return ['backup', 'create', SERIES, '--in', this.cli.path('dump'), '--compression', 'none']
    }
    if (command === 'rekey') return ['backup', 'rekey', SERIES, '--all', '--key', 'other']
    if (command === 'prune') {
      while (this.#contents.size <= KEPT) await this.addBackup()
      return ['backup', 'prune', SERIES, '--last', String(KEPT), '-y']
    }
    rmSync(this.cli.path('out'), { recursive: true })
    mkdirSync(this.cli.path('out'))
    writeFileSync(this.cli.path('out/file'), BEFORE)
    return ['backup', 'restore', SERIES, '--replace', '--into', this.cli.path('out/file')]
  }

  /** The real program, with what shall end it. */
  start(words: readonly string[], environment: Readonly<Record<string, string>> = {}): KilledProcess {
    const child = spawn(process.execPath, [MAIN, ...words], {
      cwd: this.cli.folder,
      env: { ...this.cli.baseEnvironment(), ...environment },
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    return new KilledProcess(child)
  }

  /** Ends a command before call `at` to the disk below `folder`; `undefined` where it came to its end before. */
  async killAtCall(command: KillCommand, at: number): Promise<number | undefined> {
    const words = await this.prepare(command)
    const count = this.cli.path('calls')
    rmSync(count, { force: true })
    const { code, signal, error } = await this.start(words, {
      NODE_OPTIONS: `--import=${PRELOAD}`,
      TEST_KILL_AT: String(at),
      TEST_KILL_BELOW: command === 'restore' ? this.cli.path('out') : this.cli.path('target'),
      TEST_KILL_COUNT: count,
    }).ended()
    if (signal !== 'SIGKILL') assert.equal(code, 0, `${command} at ${at}: ${error}`)
    await this.check(command, signal !== 'SIGKILL')
    return existsSync(count) ? Number(readFileSync(count, 'utf8')) : undefined
  }

  /** After an end of any kind: what must hold. */
  async check(command: KillCommand, isDone: boolean): Promise<void> {
    if (!isDone) this.totals.kills += 1
    if (command === 'restore') return this.#checkRestored(isDone)
    if (command === 'create') await this.#checkCreated(isDone)
    if (command === 'prune') await this.#finishPrune()
    await this.#requireWhole()
    await this.#removeOrphans()
    if (command === 'create' && this.#contents.size > KEPT) await this.#finishPrune()
  }

  async addBackup(): Promise<void> {
    this.#makeContent()
    const words = [
      'backup',
      'create',
      SERIES,
      '--in',
      this.cli.path('dump'),
      '--compression',
      'none',
      '--json',
    ]
    const { out } = await this.#ok(words)
    this.#contents.set((JSON.parse(out) as { sequence: number }).sequence, this.#given)
  }

  /** Whole, and a backup; or none at all. */
  async #checkCreated(isDone: boolean): Promise<void> {
    const added = (await this.#list()).filter(({ sequence }) => !this.#contents.has(sequence))
    assert.ok(added.length <= 1, 'one command made two backups')
    if (isDone) assert.equal(added.length, 1)
    const [backup] = added
    if (backup === undefined) return
    if (!isDone) this.totals.wereDone += 1
    this.#contents.set(backup.sequence, this.#given)
  }

  /** The old file or the new one; another restore works. */
  async #checkRestored(isDone: boolean): Promise<void> {
    const newest = Math.max(...this.#contents.keys())
    const path = this.cli.path('out/file')
    const isNew = digest(readFileSync(path)) === this.#contents.get(newest)
    assert.ok(isNew || readFileSync(path, 'utf8') === BEFORE, 'the target is neither the old nor the new one')
    if (isDone) assert.ok(isNew)
    else if (isNew) this.totals.wereDone += 1
    const left = this.#parts()
    assert.ok(left.length <= (isDone ? 0 : 1))
    this.totals.orphans += left.length
    for (const part of left) utimesSync(this.cli.path(`out/${part}`), 0, 0)
    await this.#ok(['backup', 'restore', SERIES, '--replace', '--into', path])
    assert.equal(digest(readFileSync(path)), this.#contents.get(newest))
    assert.deepEqual(this.#parts(), [], 'the next restore cleans up')
  }

  #parts(): readonly string[] {
    return readdirSync(this.cli.path('out')).filter((name) => name.endsWith('.part'))
  }

  /** The next pruning takes what the one that was killed left. */
  async #finishPrune(): Promise<void> {
    await this.#ok(['backup', 'prune', SERIES, '--last', String(KEPT), '-y'])
    const kept = [...this.#contents.keys()].toSorted((left, right) => left - right).slice(-KEPT)
    for (const sequence of this.#contents.keys()) {
      if (!kept.includes(sequence)) this.#contents.delete(sequence)
    }
  }

  /** Every backup is there, and comes back as it was given. */
  async #requireWhole(): Promise<void> {
    const listed = await this.#list()
    assert.deepEqual(new Set(listed.map(({ sequence }) => sequence)), new Set(this.#contents.keys()))
    for (const [sequence, content] of this.#contents) {
      const { bytes } = await this.#ok(['backup', 'cat', SERIES, String(sequence)])
      assert.equal(digest(bytes), content, `backup ${sequence} came back as something else`)
    }
  }

  /** Exit code 0: all are trusted, and none is missing. */
  async #list(): Promise<readonly { readonly sequence: number }[]> {
    const { out } = await this.#ok(['backup', 'list', SERIES, '--json'])
    return (JSON.parse(out) as { backups: { sequence: number }[] }).backups
  }

  /** A pruning of two days later leaves the objects of backups and nothing else. */
  async #removeOrphans(): Promise<void> {
    const coffre = await openCoffre({ dataDir: this.cli.dataDir })
    const target = await openObjectStore(this.target, this.#s3)
    const before = await describeTarget(target)
    const clock = () => toInstant(Date.now() + TWO_DAYS)
    const backups = await openBackups({ target, seenFile: this.#seenFile, coffre, clock })
    try {
      await backups.prune(coffre, { series: SERIES, retention: { last: 1_000 } })
      const after = await describeTarget(target)
      assert.deepEqual(after.unfinished, [])
      assert.equal(after.objects.length, 2 * this.#contents.size + 1, after.objects.join(', '))
      this.totals.orphans += before.objects.length - after.objects.length + before.unfinished.length
    } finally {
      await backups.close()
      await coffre.close()
    }
  }

  get #seenFile(): string {
    return this.cli.path('.local/state/coffre/backups-seen.json')
  }

  #makeContent(): void {
    const content = randomBytes(this.#bytes)
    writeFileSync(this.cli.path('dump'), content)
    this.#given = digest(content)
  }

  async #ok(words: readonly string[]): Promise<Finished> {
    const finished = await this.cli.run(words)
    assert.equal(finished.code, 0, `coffre ${words.join(' ')}: ${finished.error}`)
    return finished
  }
}

/** A command line that may be ended from outside. */
export class KilledProcess {
  readonly #child: ChildProcess
  readonly #ended: Promise<Ended>

  constructor(child: ChildProcess) {
    this.#child = child
    const errors: Buffer[] = []
    child.stderr?.on('data', (piece: Buffer) => errors.push(piece))
    this.#ended = new Promise((done) => {
      child.once('close', (code, signal) => done({ code, signal, error: Buffer.concat(errors).toString() }))
    })
  }

  kill(): void {
    this.#child.kill('SIGKILL')
  }

  ended(): Promise<Ended> {
    return this.#ended
  }
}

async function describeTarget(target: Awaited<ReturnType<typeof openObjectStore>>) {
  const [objects, unfinished]: [string[], string[]] = [[], []]
  for await (const { name } of target.list('')) objects.push(name)
  for await (const { name } of target.unfinished()) unfinished.push(name)
  return { objects, unfinished }
}

function digest(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}
