import { authorize } from '../../service/access/authorize.ts'
import { authenticateCaller } from '../authenticate.ts'
import type { ServerParts } from '../server-parts.ts'
import type { Api } from './api.ts'

/** Outside of the API: what probes and Prometheus ask. */
export function addHealthRoutes(server: Api, parts: ServerParts): void {
  server.get('/livez', { schema: { hide: true } }, async () => ({ status: 'ok' }))

  server.get('/readyz', { schema: { hide: true } }, async (_request, reply) => {
    const checks = await runChecks(parts)
    const ready = Object.values(checks).every((state) => state === 'ok')
    // Checkpoints that fail stop nothing, so they are told and not asked.
    const { alert } = parts.core.checkpoints.health
    const details = alert === undefined ? {} : { details: { audit: alert } }
    return reply.code(ready ? 200 : 503).send({ status: ready ? 'ok' : 'unavailable', checks, ...details })
  })

  server.get('/metrics', { schema: { hide: true } }, async (request, reply) => {
    if (!parts.openMetrics) {
      await authorize(parts.core.trail, await authenticateCaller(parts.core, request), 'metrics.read')
    }
    return reply.header('content-type', parts.metrics.contentType).send(await parts.renderMetrics())
  })
}

async function runChecks(parts: ServerParts): Promise<Readonly<Record<string, string>>> {
  const state = (works: boolean) => (works ? 'ok' : 'unavailable')
  const [store, writes] = [state(await parts.core.probe.canRead()), state(await parts.core.probe.canWrite())]
  return { store, writes, seal: parts.core.isSealed ? 'sealed' : 'ok' }
}
