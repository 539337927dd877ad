import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { connect } from 'node:net'
import { setTimeout } from 'node:timers/promises'

/** A server that tests start and end, and that speaks S3. */
export interface S3Server {
  readonly port: number
  readonly region: string
  readonly accessKeyId: string
  readonly secretAccessKey: string
  /** Starts it, or starts it again on the same port. */
  start(): Promise<void>
  /** kill -9 of all its processes at once. */
  kill(): Promise<void>
}

const MAX_TRIES = 2_400
const PAUSE_MS = 50

/** The processes of one server. They end with ours. */
export class ServerProcesses {
  readonly #running: ChildProcess[] = []

  constructor() {
    process.once('exit', this.#killNow)
  }

  /** `port` answers once this resolves. */
  async start(
    command: readonly [string, ...string[]],
    port: number,
    environment: NodeJS.ProcessEnv = {},
  ): Promise<void> {
    const [program, ...words] = command
    const child = spawn(program, words, { stdio: 'ignore', env: { ...process.env, ...environment } })
    this.#running.push(child)
    for (let tries = 1; !(await answers(port)); tries += 1) {
      assert.ok(tries < MAX_TRIES && child.exitCode === null, `${program} does not start`)
      await setTimeout(PAUSE_MS)
    }
  }

  async kill(): Promise<void> {
    const running = this.#running
      .splice(0)
      .filter(({ exitCode, signalCode }) => exitCode === null && signalCode === null)
    const gone = running.map((child) => once(child, 'exit'))
    for (const child of running) child.kill('SIGKILL')
    await Promise.all(gone)
  }

  async end(): Promise<void> {
    process.removeListener('exit', this.#killNow)
    await this.kill()
  }

  readonly #killNow = (): void => {
    for (const child of this.#running) child.kill('SIGKILL')
  }
}

async function answers(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1')
  try {
    await once(socket, 'connect')
    return true
  } catch {
    return false
  } finally {
    socket.destroy()
  }
}
