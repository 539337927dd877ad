import { UsageError } from './usage-error.ts'

const SIGNALS = ['SIGINT', 'SIGTERM'] as const

/**
 * Work that leaves plaintext or half an upload where a signal ends it: it is told to stop, and takes away what it has begun.
 * A second signal ends the process. Throws `error.stopped`.
 */
export async function stoppable<Result>(work: (signal: AbortSignal) => Promise<Result>): Promise<Result> {
  const stop = new AbortController()
  const end = () => stop.abort()
  for (const signal of SIGNALS) process.once(signal, end)
  try {
    return await work(stop.signal)
  } catch (error) {
    if (stop.signal.aborted) throw UsageError.of('error.stopped')
    throw error
  } finally {
    for (const signal of SIGNALS) process.off(signal, end)
  }
}
