import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { xWingPublicKey } from '../../../../src/crypto/x-wing.ts'
import { KeyMaterial } from '../../../../src/crypto/key-material.ts'
import { toInstant } from '../../../../src/model/clock.ts'
import type { Coffre } from '../../../../src/model/coffre.ts'
import { Backups } from '../../../../src/service/backup/backups.ts'
import { trustedSigners } from '../../../../src/service/backup/backup-keys.ts'
import { SeenRevisionsFile } from '../../../../src/service/backup/seen-revisions.ts'
import { takeLock } from '../../../../src/store/sqlite/folder-lock.ts'
import { FolderObjectStore } from '../../../../src/store/object/folder-store.ts'
import { streamSource } from '../../../../src/store/source/stream-source.ts'
import { makeFolder, openTemporary, type Scope } from '../../../temporary.ts'

export const RECOVERY_SEED = new KeyMaterial(Buffer.alloc(32, 9))
export const RECOVERY_PUBLIC = xWingPublicKey(RECOVERY_SEED)
const START = Date.UTC(2026, 0, 1)

/** A Coffre and a folder for its backups; `at` is the time that the next one is made at. */
export class BackupPlace {
  readonly folder: string
  readonly target: FolderObjectStore
  readonly seenFile: string
  readonly coffre: Coffre
  at = START

  private constructor(folder: string, target: FolderObjectStore, coffre: Coffre) {
    this.folder = target.place
    this.target = target
    this.coffre = coffre
    this.seenFile = join(folder, 'seen.json')
  }

  static async open(scope: Scope): Promise<BackupPlace> {
    const folder = makeFolder(scope)
    mkdirSync(join(folder, 'target'), { mode: 0o700 })
    const target = await FolderObjectStore.open(join(folder, 'target'))
    return new BackupPlace(folder, target, await openTemporary(scope))
  }

  /** Of whoever holds this Coffre. */
  async backups(options: { readonly acceptOlder?: boolean } = {}): Promise<Backups> {
    return this.#backups(() => trustedSigners(this.coffre), options)
  }

  /** Of whoever has nothing to know its signers by. */
  strangerBackups(): Backups {
    return this.#backups(async () => [])
  }

  #backups(
    signers: () => ReturnType<typeof trustedSigners>,
    options: { readonly acceptOlder?: boolean } = {},
  ): Backups {
    const seen = new SeenRevisionsFile(this.seenFile, takeLock)
    const clock = () => toInstant(this.at)
    return new Backups({ target: this.target, clock, seen, signers, trail: this.coffre.backups, ...options })
  }

  /** Under the Coffre key and for the recovery key, as most people should. */
  async create(content: Uint8Array | string, series = 'nightly') {
    const backups = await this.backups()
    return backups.create(sourceOf(content), this.coffre, {
      series,
      recipients: { key: 'backup', recovery: [RECOVERY_PUBLIC] },
    })
  }
}

export function sourceOf(content: Uint8Array | string) {
  const input = (async function* () {
    yield Buffer.from(content)
  })()
  return streamSource({ name: 'dump.sql', input })
}

export async function collect(pieces: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const all: Uint8Array[] = []
  for await (const piece of pieces) all.push(piece)
  return Buffer.concat(all)
}
