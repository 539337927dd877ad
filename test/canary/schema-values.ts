import type { Canaries } from './canary.ts'

/** What a JSON schema of /openapi.json says, as far as it takes to make a value. */
export interface JsonSchema {
  readonly $ref?: string
  readonly type?: string
  readonly const?: unknown
  readonly enum?: readonly unknown[]
  readonly anyOf?: readonly JsonSchema[]
  readonly oneOf?: readonly JsonSchema[]
  readonly properties?: Readonly<Record<string, JsonSchema>>
  readonly items?: JsonSchema
  readonly minimum?: number
  readonly additionalProperties?: JsonSchema | boolean
}

/** Fields that Coffre keeps and shows on purpose. What is not here is a secret, a new field included. */
const PUBLIC_FIELDS: ReadonlySet<string> = new Set([
  'name',
  'key',
  'toKey',
  'description',
  'owner',
  'environment',
  'tags',
  'after',
  'id',
  'policies',
  'keys',
  'operations',
  'tenant',
  'boundCidrs',
  'cidrs',
  'accessor',
  'action',
  'principal',
  'metadata',
])

export interface ValueChoice {
  readonly canaries: Canaries
  /** `#/components/schemas/…`. */
  readonly resolve: (reference: string) => JsonSchema
  /** The key that requests are about. */
  readonly key: string
}

/** A value of the schema with a canary of its own in every text that is a secret. */
export function makeValue(schema: JsonSchema, field: string, choice: ValueChoice): unknown {
  if (schema.$ref !== undefined) return makeValue(choice.resolve(schema.$ref), field, choice)
  const [first] = schema.anyOf ?? schema.oneOf ?? []
  if (first !== undefined) return makeValue(first, field, choice)
  if (schema.const !== undefined) return schema.const
  if (schema.enum !== undefined) return schema.enum[0]
  switch (schema.type) {
    case 'object':
      return makeObject(schema, field, choice)
    case 'array':
      return schema.items === undefined ? [] : [makeValue(schema.items, field, choice)]
    case 'integer':
    case 'number':
      return schema.minimum ?? 1
    case 'boolean':
      return true
    default:
      return makeText(field, choice)
  }
}

function makeObject(schema: JsonSchema, field: string, choice: ValueChoice): Record<string, unknown> {
  const made = Object.entries(schema.properties ?? {}).map(([name, each]) => [
    name,
    makeValue(each, name, choice),
  ])
  const open = typeof schema.additionalProperties === 'object'
  return { ...(open ? { part: makeText(field, choice) } : {}), ...Object.fromEntries(made) }
}

const BASE64_FIELDS: ReadonlySet<string> = new Set(['plaintext', 'message', 'signature', 'mac', 'blobBase64'])

function makeText(field: string, { canaries, key }: ValueChoice): string {
  if (PUBLIC_FIELDS.has(field)) return field === 'key' || field === 'toKey' ? key : 'shown'
  return BASE64_FIELDS.has(field) ? canaries.makeBase64() : canaries.make()
}
