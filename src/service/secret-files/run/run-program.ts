import { spawn } from 'node:child_process'

export interface ProgramRequest {
  readonly command: string
  readonly args: readonly string[]
  readonly folder?: string
  readonly input?: string | Uint8Array
  readonly environment?: NodeJS.ProcessEnv
  readonly maxMilliseconds: number
  readonly maxBytes?: number
}

export interface ProgramEnd {
  /** `undefined` where the program is not there, did not end in time, or was ended by a signal. */
  readonly code: number | undefined
  readonly output: Buffer
  readonly isMissing: boolean
}

const DEFAULT_MAX_BYTES = 4 * 1024 * 1024

/** Runs a program to its end, with bounds on its time and output. What it says on standard error is dropped. */
export function runProgram(request: ProgramRequest): Promise<ProgramEnd> {
  const { command, args, folder, input, environment, maxMilliseconds } = request
  const maxBytes = request.maxBytes ?? DEFAULT_MAX_BYTES
  return new Promise((resolve) => {
    const child = spawn(command, args, {
      stdio: ['pipe', 'pipe', 'ignore'],
      timeout: maxMilliseconds,
      killSignal: 'SIGKILL',
      ...(folder === undefined ? {} : { cwd: folder }),
      ...(environment === undefined ? {} : { env: environment }),
    })
    const pieces: Buffer[] = []
    let length = 0
    child.stdout.on('data', (piece: Buffer) => {
      length += piece.length
      if (length > maxBytes) child.kill('SIGKILL')
      else pieces.push(piece)
    })
    // A program may end before it has read everything.
    child.stdin.on('error', () => undefined)
    child.stdin.end(input ?? '')
    child.on('error', () => resolve({ code: undefined, output: Buffer.alloc(0), isMissing: true }))
    child.on('close', (code) =>
      resolve({ code: code ?? undefined, output: Buffer.concat(pieces), isMissing: false }),
    )
  })
}
