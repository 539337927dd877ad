import type { Clock } from '../model/clock.ts'
import type { Coffre } from '../model/coffre.ts'
import type { Metrics } from '../monitor/metrics.ts'
import type { RefusedBodies } from './refused-bodies.ts'
import type { Core } from '../service/operator/core.ts'
import type { TlsFiles } from './tls/tls-files.ts'

/** What `app.ts` hands to the server. */
export interface ServerParts {
  readonly core: Core
  readonly metrics: Metrics
  /** Prometheus text: of this process, or of all that serve with it. */
  readonly renderMetrics: () => Promise<string>
  readonly logLevel: string
  /** /metrics is open where only this machine can ask; elsewhere it needs an admin's token. */
  readonly openMetrics: boolean
  readonly clock: Clock
  /** Proxies whose x-forwarded-for is believed. */
  readonly trustedProxies: readonly string[]
  /** Whether /docs is there. */
  readonly docs: boolean
  /** Absent: plain HTTP. */
  readonly tls?: TlsFiles
  /** How long nothing may move on a stream; STREAM_IDLE_MS when absent. */
  readonly streamIdleMilliseconds?: number
}

declare module 'fastify' {
  interface FastifyInstance {
    refusedBodies: RefusedBodies
  }
  interface FastifyRequest {
    /** Set with `coffre`: who asks. */
    callerId: string | undefined
    /** Set once the whole of a JSON body is there. */
    bodyBytes: number | undefined
    /** The body as it came, of a route that keeps it so. */
    bodyText: string | undefined
    /** Set by `addRoute` once the token is known; absent on the few routes that need none. */
    coffre: Coffre
  }
  interface FastifyContextConfig {
    /** The one type of body that the route takes; application/json when absent. */
    mediaType?: string
    /** Its body may take as long as it likes while something moves. */
    isStream?: boolean
    /** A JSON body is wanted as text too. */
    keepsText?: boolean
  }
}
