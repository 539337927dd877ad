import { z } from 'zod'
import type { PolicyDocument } from '../../model/policy.ts'
import {
  CREATE_POLICY,
  POLICY,
  POLICY_DOCUMENT,
  POLICY_PATH,
  POLICY_TEST,
  TEST_POLICY,
  UPDATE_POLICY,
} from '../access-schema.ts'
import type { ServerParts } from '../server-parts.ts'
import { type Api, addRoute } from './api.ts'
import { dropUndefined } from './drop-undefined.ts'

const TAG = 'policies'
/** Sixteen thousand patterns of the greatest length. */
const MAX_POLICY_BODY_BYTES = 4 * 1024 * 1024

export function addPolicyRoutes(api: Api, parts: ServerParts): void {
  addRoute(api, parts, {
    method: 'POST',
    url: '/policies',
    summary: 'Create a policy',
    tag: TAG,
    bodyLimit: MAX_POLICY_BODY_BYTES,
    body: CREATE_POLICY,
    result: POLICY,
    status: 201,
    run: (coffre, { body }) => coffre.policies.create(body.name, toDocument(body.document)),
  })
  addRoute(api, parts, {
    method: 'GET',
    url: '/policies',
    summary: 'List policies by name',
    tag: TAG,
    result: z.object({ policies: z.array(POLICY) }),
    run: async (coffre) => ({ policies: await coffre.policies.list() }),
  })
  addRoute(api, parts, {
    method: 'GET',
    url: '/policies/:name',
    summary: 'Show a policy',
    tag: TAG,
    path: POLICY_PATH,
    result: POLICY,
    run: (coffre, { path }) => coffre.policies.get(path.name),
  })
  addRoute(api, parts, {
    method: 'PUT',
    url: '/policies/:name',
    summary: 'Replace the document of a policy',
    tag: TAG,
    path: POLICY_PATH,
    bodyLimit: MAX_POLICY_BODY_BYTES,
    body: UPDATE_POLICY,
    result: POLICY,
    run: (coffre, { path, body }) => {
      const { epoch } = body
      return coffre.policies.update(
        path.name,
        toDocument(body.document),
        epoch === undefined ? {} : { epoch },
      )
    },
  })
  addRoute(api, parts, {
    method: 'DELETE',
    url: '/policies/:name',
    summary: 'Delete a policy; tokens that carry it lose what it allowed',
    tag: TAG,
    path: POLICY_PATH,
    status: 204,
    run: (coffre, { path }) => coffre.policies.delete(path.name),
  })
  addRoute(api, parts, {
    method: 'POST',
    url: '/policies/test',
    summary: 'Whether a token, or a role with policies, may do something to a key, and which rule decides',
    tag: TAG,
    bodyLimit: MAX_POLICY_BODY_BYTES,
    body: TEST_POLICY,
    result: POLICY_TEST,
    run: (coffre, { body }) =>
      coffre.policies.test({ ...dropUndefined(body), operation: body.operation, key: body.key }),
  })
}

function toDocument({ rules }: z.output<typeof POLICY_DOCUMENT>): PolicyDocument {
  return {
    rules: rules.map((rule) => ({ ...dropUndefined(rule), keys: rule.keys, operations: rule.operations })),
  }
}
