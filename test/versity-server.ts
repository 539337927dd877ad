import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { findFreePort } from './redis-server.ts'
import { type S3Server, ServerProcesses } from './s3-server.ts'
import type { Scope } from './temporary.ts'

const PROGRAM = process.env['COFFRE_TEST_VERSITYGW'] ?? 'versitygw'

/** Whether this machine has it: `go install github.com/versity/versitygw/cmd/versitygw@v1.8.0`. */
export const HAS_VERSITY: boolean = findProgram()

/** Versity's S3 gateway over a folder. It enforces signatures, conditions and locks, and parts of at least 5 MiB. */
export async function startVersity(scope: Scope): Promise<VersityServer> {
  const server = new VersityServer()
  scope.after(() => server.remove())
  await server.start()
  return server
}

export class VersityServer implements S3Server {
  readonly region = 'eu-west-3'
  readonly accessKeyId = 'tester'
  readonly secretAccessKey = 'testing-versity'
  readonly #folder = mkdtempSync(join(tmpdir(), 'coffre-versity-'))
  readonly #processes = new ServerProcesses()
  #port = 0

  get port(): number {
    return this.#port
  }

  async start(): Promise<void> {
    this.#port ||= await findFreePort()
    for (const name of ['objects', 'versions', 'users'])
      mkdirSync(join(this.#folder, name), { recursive: true })
    const words = ['--port', `127.0.0.1:${this.#port}`, '--region', this.region, '--quiet', '--keep-alive']
    const users = ['--iam-dir', join(this.#folder, 'users')]
    const backend = [
      'posix',
      '--versioning-dir',
      join(this.#folder, 'versions'),
      join(this.#folder, 'objects'),
    ]
    await this.#processes.start([PROGRAM, ...words, ...users, ...backend], this.#port, {
      ROOT_ACCESS_KEY: this.accessKeyId,
      ROOT_SECRET_KEY: this.secretAccessKey,
    })
  }

  async kill(): Promise<void> {
    await this.#processes.kill()
  }

  async remove(): Promise<void> {
    await this.#processes.end()
    rmSync(this.#folder, { recursive: true, force: true, maxRetries: 5 })
  }
}

function findProgram(): boolean {
  try {
    execFileSync(PROGRAM, ['--version'], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}
