import { monitorEventLoopDelay } from 'node:perf_hooks'

/** What a server has spent since it was last asked, by this module in its own process. */
export interface Cost {
  /** Of all its threads, the thread pool of Argon2id and RSA among them. */
  readonly cpuMilliseconds: number
  /** How late its event loop came to a timer, in milliseconds: nobody is answered meanwhile. */
  readonly loopP99: number
  readonly loopMax: number
}

const NANOSECONDS = 1_000_000
const loop = monitorEventLoopDelay({ resolution: 1 })
loop.enable()
let before = process.cpuUsage()

process.on('message', () => {
  const { user, system } = process.cpuUsage(before)
  const cost: Cost = {
    cpuMilliseconds: (user + system) / 1_000,
    loopP99: loop.percentile(99) / NANOSECONDS,
    loopMax: loop.max / NANOSECONDS,
  }
  before = process.cpuUsage()
  loop.reset()
  process.send?.(cost)
})
// A server that is told to end does.
process.channel?.unref()
