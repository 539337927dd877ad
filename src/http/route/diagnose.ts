import { z } from 'zod'
import { MAX_CIPHERTEXT_CHARACTERS, MAX_ITEM_BYTES } from '../../model/limits.ts'
import { VERDICTS } from '../../model/diagnosis.ts'
import { CONTEXT, KEY_NAME } from '../schema.ts'
import type { ServerParts } from '../server-parts.ts'
import { type Api, addRoute } from './api.ts'
import { dropUndefined } from './drop-undefined.ts'

const DIAGNOSE = z.strictObject({
  blob: z.string().max(MAX_CIPHERTEXT_CHARACTERS),
  context: CONTEXT.optional(),
  key: KEY_NAME.optional().describe('Where the format names none; otherwise it is checked'),
  ttlSeconds: z.number().int().min(1).max(3_153_600_000).optional().describe('For Fernet: how old it may be'),
})
const DIAGNOSIS = z.object({
  verdict: z.enum(VERDICTS),
  format: z.string(),
  key: z.string().optional(),
  version: z.number().int().optional(),
  next: z.string(),
  facts: z.record(z.string(), z.union([z.string(), z.number()])),
})

export function addDiagnosisRoutes(api: Api, parts: ServerParts): void {
  addRoute(api, parts, {
    method: 'POST',
    url: '/diagnose',
    summary: 'Why a blob does not decrypt; for administrators and operators, and never with its plaintext',
    tag: 'operator',
    bodyLimit: MAX_ITEM_BYTES,
    body: DIAGNOSE,
    result: DIAGNOSIS,
    run: (coffre, { body }) => coffre.diagnose({ ...dropUndefined(body), blob: body.blob }),
  })
}
