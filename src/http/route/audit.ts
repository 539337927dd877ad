import { z } from 'zod'
import { AUDIT_QUERY, AUDIT_RECORD, AUDIT_VERIFICATION } from '../schema.ts'
import type { ServerParts } from '../server-parts.ts'
import { type Api, addRoute } from './api.ts'
import { dropUndefined } from './drop-undefined.ts'

const TAG = 'audit'

export function addAuditRoutes(api: Api, parts: ServerParts): void {
  addRoute(api, parts, {
    method: 'GET',
    url: '/audit/records',
    summary: 'Audit records, oldest first',
    tag: TAG,
    query: AUDIT_QUERY,
    result: z.object({ records: z.array(AUDIT_RECORD) }),
    run: async (coffre, { query }) => ({ records: await coffre.audit.list(dropUndefined(query)) }),
  })
  addRoute(api, parts, {
    method: 'GET',
    url: '/audit/verify',
    summary: 'Recompute the whole audit log',
    tag: TAG,
    result: AUDIT_VERIFICATION,
    run: (coffre) => coffre.audit.verify(),
  })
}
