import { execFileSync } from 'node:child_process'
import {
  type BigIntStats,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import type { TestContext } from 'node:test'
import { secretFilesOf } from '../../../../src/app-secret-files.ts'
import type { SecretFilesParts } from '../../../../src/service/secret-files/with-project.ts'

/** The key of the guide, which is public. */
export const GUIDE_KEY = '}%V7%ot+5f9}FGbaJMeRh;Rh.vJy8=7ZQcyeI0q&,]u-$uCtz$QI}1_(7tV]T!>v'
export const DEFAULT_FILES = ['.env', '.streamlit/secrets.toml'] as const

/** A folder of an application, gone when the test ends. */
export class TestProject {
  readonly folder: string
  now = Date.parse('2026-11-25T12:00:00Z')

  constructor(t: TestContext, files: Readonly<Record<string, string>> = {}) {
    this.folder = mkdtempSync(join(tmpdir(), 'coffre-project-'))
    t.after(() => rmSync(this.folder, { recursive: true, force: true }))
    for (const [path, text] of Object.entries(files)) this.write(path, text)
  }

  get parts(): SecretFilesParts {
    return { ...secretFilesOf(this.folder), now: () => this.now }
  }

  path(name: string): string {
    return join(this.folder, name)
  }

  write(path: string, text: string, mode = 0o600): void {
    mkdirSync(dirname(this.path(path)), { recursive: true, mode: 0o700 })
    writeFileSync(this.path(path), text, { mode })
  }

  read(path: string): string {
    return readFileSync(this.path(path), 'utf8')
  }

  mode(path: string): number {
    return statSync(this.path(path)).mode & 0o7777
  }

  stats(path: string): BigIntStats {
    return statSync(this.path(path), { bigint: true })
  }

  git(...args: readonly string[]): string {
    const identity = ['-c', 'user.name=t', '-c', 'user.email=t@example.org', '-c', 'commit.gpgsign=false']
    return execFileSync('git', [...identity, ...args], { cwd: this.folder, encoding: 'utf8', stdio: 'pipe' })
  }

  /** A tag that was made at `at`, in milliseconds since 1970. */
  tag(name: string, at: number): void {
    const env = { ...process.env, GIT_COMMITTER_DATE: `${Math.floor(at / 1_000)} +0000` }
    const identity = ['-c', 'user.name=t', '-c', 'user.email=t@example.org', '-c', 'tag.gpgsign=false']
    execFileSync('git', [...identity, 'tag', '-a', '-m', name, name], {
      cwd: this.folder,
      env,
      stdio: 'pipe',
    })
  }

  /** Every file outside of `.git` and `.coffre`, with its bytes. */
  snapshot(): Readonly<Record<string, string>> {
    const entries = readdirSync(this.folder, { recursive: true, withFileTypes: true })
    const paths = entries
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name).slice(this.folder.length + 1))
      .filter((path) => !/^\.(git|coffre)\//.test(path))
    return Object.fromEntries(paths.toSorted().map((path) => [path, readFileSync(this.path(path), 'base64')]))
  }
}
