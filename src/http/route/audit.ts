import { z } from 'zod'
import type { ZodTypeProvider } from 'fastify-type-provider-zod'
import { CallerCoffre } from '../../service/caller-coffre.ts'
import { anonymousCaller } from '../authenticate.ts'
import {
  AUDIT_QUERY,
  AUDIT_RECORD,
  AUDIT_VERIFICATION,
  CHECKPOINT,
  CONSISTENCY_PROOF,
  CONSISTENCY_QUERY,
  INCLUSION_PROOF,
  INCLUSION_QUERY,
  NOTHING,
  PROBLEM,
  VERIFIER_KEYS,
  VERIFY_AUDIT,
} from '../schema.ts'
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
  addCheckpointRoutes(api, parts)
  addProofRoutes(api, parts)
}

function addCheckpointRoutes(api: Api, parts: ServerParts): void {
  addRoute(api, parts, {
    method: 'POST',
    url: '/audit/verify',
    summary: 'The same, beside a checkpoint that you have kept',
    tag: TAG,
    body: VERIFY_AUDIT,
    result: AUDIT_VERIFICATION,
    run: (coffre, { body }) => coffre.audit.verify(dropUndefined(body)),
  })
  addRoute(api, parts, {
    method: 'GET',
    url: '/audit/checkpoint',
    summary: 'The newest signed checkpoint',
    tag: TAG,
    result: CHECKPOINT,
    run: (coffre) => coffre.audit.checkpoint(),
  })
  addRoute(api, parts, {
    method: 'POST',
    url: '/audit/checkpoint',
    summary: 'Sign the log as it is now',
    tag: TAG,
    body: NOTHING,
    result: CHECKPOINT,
    run: (coffre) => coffre.audit.writeCheckpoint(),
  })
  addRoute(api, parts, {
    method: 'POST',
    url: '/audit/signing-key/rotate',
    summary: 'Sign checkpoints with a new generation of the key',
    tag: TAG,
    body: NOTHING,
    result: VERIFIER_KEYS,
    run: async (coffre) => ({ keys: await coffre.audit.rotateSigningKey() }),
  })
  api.withTypeProvider<ZodTypeProvider>().get(
    '/audit/verifier-keys',
    {
      schema: {
        summary: 'Verifier keys of every generation; needs no token',
        tags: [TAG],
        response: { 200: VERIFIER_KEYS, default: PROBLEM },
      },
    },
    async (request) => {
      const coffre = new CallerCoffre(parts.core, anonymousCaller(request))
      return { keys: [...(await coffre.audit.verifierKeys())] }
    },
  )
}

function addProofRoutes(api: Api, parts: ServerParts): void {
  addRoute(api, parts, {
    method: 'GET',
    url: '/audit/proof/inclusion',
    summary: 'Prove that a record is in the log',
    tag: TAG,
    query: INCLUSION_QUERY,
    result: INCLUSION_PROOF,
    run: (coffre, { query: { index, ...options } }) =>
      coffre.audit.proveInclusion(index, dropUndefined(options)),
  })
  addRoute(api, parts, {
    method: 'GET',
    url: '/audit/proof/consistency',
    summary: 'Prove that the log only grew',
    tag: TAG,
    query: CONSISTENCY_QUERY,
    result: CONSISTENCY_PROOF,
    run: (coffre, { query }) => coffre.audit.proveConsistency(query.from, query.to),
  })
}
