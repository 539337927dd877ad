import type { Readable, Writable } from 'node:stream'

export type Environment = Readonly<Record<string, string | undefined>>

export interface MaybeTerminal {
  readonly isTTY?: boolean
  /** How wide it is. */
  readonly columns?: number
}

/** What a command line stands on: three streams and the environment. */
export interface Terminal {
  readonly stdin: Readable & MaybeTerminal
  readonly stdout: Writable & MaybeTerminal
  readonly stderr: Writable & MaybeTerminal
  readonly environment: Environment
}

/** Questions are asked only where a person sees them and can answer. */
export function canAsk({ stdin, stderr, environment }: Terminal): boolean {
  return stdin.isTTY === true && stderr.isTTY === true && isUnset(environment['CI'])
}

/** Progress needs a terminal that can go back to the start of its line. */
export function canShowProgress({ stderr, environment }: Terminal): boolean {
  return stderr.isTTY === true && isUnset(environment['CI']) && environment['TERM'] !== 'dumb'
}

/** NO_COLOR (no-color.org) wins over FORCE_COLOR; without either, colours are for terminals. */
export function hasColours(stream: MaybeTerminal, environment: Environment): boolean {
  if (!isUnset(environment['NO_COLOR'])) return false
  const forced = environment['FORCE_COLOR']
  if (forced !== undefined) return forced !== '0' && forced !== 'false'
  return stream.isTTY === true && environment['TERM'] !== 'dumb'
}

/** Waits while the reader is slower than we are, so that a pipe never fills our memory. */
export function writeTo(stream: Writable, chunk: string | Uint8Array): Promise<void> {
  return new Promise((resolve, reject) => {
    stream.write(chunk, (error) => (error ? reject(error) : resolve()))
  })
}

function isUnset(value: string | undefined): boolean {
  return value === undefined || value === ''
}
