import { setTimeout } from 'node:timers/promises'
import type { Coffre, StatusView } from '../../../model/coffre.ts'
import { type ExitCode, FINDING, OK } from '../../exit-code.ts'
import type { Invocation } from '../../invocation.ts'
import { Progress } from '../../output/progress.ts'
import { choosePlace } from '../../place.ts'

const POLL_MS = 100
/** A page takes milliseconds: when nothing has moved for so long, what is left does not open. */
const STUCK_POLLS = 100

/** Watches the rewrapping until it is done. It goes on without anybody watching. */
export async function untilRewrapped(invocation: Invocation, { operator }: Coffre): Promise<ExitCode> {
  const { options, printer, terminal } = invocation
  // A server keeps an empty old root key for a while, for its other processes; a folder has none.
  const isServer = choosePlace(options, terminal.environment).kind === 'server'
  const progress = new Progress(printer)
  let [status, still] = [await operator.status(), 0]
  const first = status.rootRemaining ?? 0
  while (!isDone(status, isServer) && still < STUCK_POLLS) {
    await progress.show(first - (status.rootRemaining ?? 0))
    await setTimeout(POLL_MS)
    const next = await operator.status()
    still = next.rootRemaining === status.rootRemaining ? still + 1 : 0
    status = next
  }
  await progress.end()
  const { rootGeneration = 1, rootRemaining = 0 } = status
  if (isDone(status, isServer)) {
    await printer.done({ rootGeneration, rootRemaining }, 'done.rootRotated', { root: rootGeneration })
    return OK
  }
  await printer.done({ rootGeneration, rootRemaining }, 'done.rootRemains', { count: rootRemaining })
  return FINDING
}

function isDone({ rootRemaining }: StatusView, isServer: boolean): boolean {
  return rootRemaining === undefined || (isServer && rootRemaining === 0)
}
