import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { constants } from 'node:os'
import type { Readable, Writable } from 'node:stream'
import { Mask } from './mask.ts'

export interface RunRequest {
  readonly command: string
  readonly args: readonly string[]
  readonly environment: NodeJS.ProcessEnv
  /** What is added to the environment, and masked in the output. */
  readonly secrets: Readonly<Record<string, string>>
  readonly output: { readonly stdout: Writable; readonly stderr: Writable }
  /** The child gets the terminal itself: nothing can be masked there. */
  readonly isRaw: boolean
}

const FORWARDED = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT', 'SIGUSR1', 'SIGUSR2'] as const
/** As shells answer for a command that is not there, and for one that cannot be run. */
const NOT_FOUND = 127
const NOT_EXECUTABLE = 126

/** Runs a program with secrets in its environment, and answers its exit code; 128 + n where signal n ended it. */
export async function runWithSecrets(request: RunRequest): Promise<number> {
  const { command, args, environment, secrets, output, isRaw } = request
  const child = spawn(command, args, {
    env: { ...environment, ...secrets },
    stdio: isRaw ? 'inherit' : ['inherit', 'pipe', 'pipe'],
  })
  const stop = forwardSignals(child)
  try {
    const ended = waitForEnd(child)
    const values = Object.values(secrets)
    await Promise.all([
      pass(child.stdout, output.stdout, new Mask(values)),
      pass(child.stderr, output.stderr, new Mask(values)),
    ])
    return await ended
  } finally {
    stop()
  }
}

function forwardSignals(child: ChildProcess): () => void {
  // A terminal sends its signals to the child as well; a second one does no harm to who handles it.
  const forward = (signal: NodeJS.Signals) => child.kill(signal)
  for (const signal of FORWARDED) process.on(signal, forward)
  return () => {
    for (const signal of FORWARDED) process.off(signal, forward)
  }
}

function waitForEnd(child: ChildProcess): Promise<number> {
  return new Promise((resolve) => {
    child.once('error', (error: NodeJS.ErrnoException) =>
      resolve(error.code === 'ENOENT' ? NOT_FOUND : NOT_EXECUTABLE),
    )
    child.once('exit', (code, signal) =>
      resolve(code ?? 128 + (signal === null ? 0 : constants.signals[signal])),
    )
  })
}

async function pass(from: Readable | null, to: Writable, mask: Mask): Promise<void> {
  if (from === null) return
  const write = async (bytes: Buffer) => {
    if (bytes.length > 0 && !to.write(bytes)) await once(to, 'drain')
  }
  for await (const piece of from) {
    if (piece instanceof Uint8Array) await write(mask.write(piece))
  }
  await write(mask.end())
}
