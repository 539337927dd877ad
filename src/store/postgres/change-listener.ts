import { setTimeout } from 'node:timers/promises'
import type { Client } from 'pg'

const CHANNEL = 'coffre_changes'
export const ANNOUNCEMENT = `notify ${CHANNEL}`
const FIRST_PAUSE_MS = 50
const MAX_PAUSE_MS = 5_000

/**
 * A connection of its own that hears of other processes' commits. It connects again for as long as it is not
 * stopped, and calls `listener` each time, since something may have been announced meanwhile.
 */
export function listenForChanges(makeClient: () => Client, listener: () => void): () => void {
  const stop = new AbortController()
  void listen({ makeClient, listener, signal: stop.signal })
  return () => stop.abort()
}

interface Listening {
  readonly makeClient: () => Client
  readonly listener: () => void
  readonly signal: AbortSignal
}

async function listen(listening: Listening): Promise<void> {
  const { signal } = listening
  let pause = FIRST_PAUSE_MS
  while (!signal.aborted) {
    if (await hearUntilLost(listening)) pause = FIRST_PAUSE_MS
    // Whoever needs an answer asks the database; here nothing is lost by waiting.
    await setTimeout(pause, undefined, { signal, ref: false }).catch(() => undefined)
    pause = Math.min(pause * 2, MAX_PAUSE_MS)
  }
}

/** Answers whether there was a connection at all. */
async function hearUntilLost({ makeClient, listener, signal }: Listening): Promise<boolean> {
  const client = makeClient()
  const lost = new Promise<void>((resolve) => {
    client.once('end', resolve)
    client.on('error', () => resolve())
    signal.addEventListener('abort', () => resolve(), { once: true })
  })
  client.on('notification', listener)
  try {
    await client.connect()
    await client.query(`listen ${CHANNEL}`)
    listener()
    await lost
    return true
  } catch {
    return false
  } finally {
    await client.end().catch(() => undefined)
  }
}
