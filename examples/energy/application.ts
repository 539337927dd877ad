import { DatabaseSync } from 'node:sqlite'
import type { ContextPairs } from '../../src/model/coffre.ts'

/** A row of the application's own table. It holds no plaintext. */
export interface StoredDocument {
  readonly position: number
  readonly context: ContextPairs
  readonly version: number
  readonly ciphertext: string
}

/** The database of an application that keeps its secrets encrypted by Coffre. */
export class Application {
  readonly #database: DatabaseSync

  constructor(path: string) {
    this.#database = new DatabaseSync(path)
    // A row that is committed stays, whatever dies next.
    this.#database.exec(`
      pragma journal_mode = wal;
      pragma synchronous = full;
      create table if not exists document (
        position integer primary key not null,
        context text not null,
        version integer not null,
        ciphertext text not null
      ) strict;
      create index if not exists document_version on document (version);
      create table if not exists setting (name text primary key not null, value text not null) strict`)
  }

  /** The value from the first run; a later one that differs would compare with other documents. */
  keepSetting(name: string, value: string): void {
    this.#database.prepare('insert or ignore into setting values (?, ?)').run(name, value)
    const row = this.#database.prepare('select value from setting where name = ?').get(name)
    if (row?.['value'] !== value) {
      throw new Error(`this folder was begun with --${name} ${String(row?.['value'])}`)
    }
  }

  /** In one transaction. Called only with what Coffre has acknowledged. */
  store(documents: readonly StoredDocument[]): void {
    const insert = this.#database.prepare('insert or replace into document values (?, ?, ?, ?)')
    this.#database.exec('begin immediate')
    for (const { position, context, version, ciphertext } of documents) {
      insert.run(position, JSON.stringify(context), version, ciphertext)
    }
    this.#database.exec('commit')
  }

  get size(): number {
    return Number(this.#database.prepare('select count(*) as size from document').get()?.['size'])
  }

  positions(): ReadonlySet<number> {
    const rows = this.#database.prepare('select position from document').all()
    return new Set(rows.map((row) => Number(row['position'])))
  }

  countByVersion(): ReadonlyMap<number, number> {
    const rows = this.#database
      .prepare('select version, count(*) as size from document group by version order by version')
      .all()
    return new Map(rows.map((row) => [Number(row['version']), Number(row['size'])]))
  }

  /** The first rows after `position`. */
  page(position: number, limit: number): readonly StoredDocument[] {
    return this.#read('where position > ? order by position limit ?', position, limit)
  }

  /** The first rows that another version than `version` protects. */
  pageOfOthers(version: number, limit: number): readonly StoredDocument[] {
    return this.#read('where version <> ? order by position limit ?', version, limit)
  }

  close(): void {
    this.#database.close()
  }

  #read(where: string, ...parameters: number[]): readonly StoredDocument[] {
    const rows = this.#database.prepare(`select * from document ${where}`).all(...parameters)
    return rows.map((row) => ({
      position: Number(row['position']),
      context: JSON.parse(String(row['context'])) as ContextPairs,
      version: Number(row['version']),
      ciphertext: String(row['ciphertext']),
    }))
  }
}
