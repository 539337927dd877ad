import type { FastifyReply, FastifyRequest } from 'fastify'
import {
  CACHE_ERRORS,
  type CacheSpace,
  type CacheSpaceOptions,
  type DatedResult,
  worstStatus,
} from '../../model/cache.ts'
import type { Coffre } from '../../model/coffre.ts'
import { CoffreError, hasCode } from '../../model/errors.ts'
import { JsonText, joinJson } from '../../model/json-text.ts'
import { CACHE_FORMAT_HEADER, CACHE_STATUS_HEADER, CACHE_WRITTEN_HEADER } from '../../model/wire.ts'
import { MAX_VALUE_BYTES } from '../../service/cache/json-text.ts'
import { readClientSecret } from '../authenticate.ts'
import {
  CACHE_DAYS,
  CACHE_STATUS,
  CACHE_VALUE,
  type CachePaths,
  DELETED,
  ENTRY_QUERY,
  ERASE,
  LIST,
  LISTED,
  MIGRATE,
  NAMED_PATHS,
  OWN_LIST,
  OWN_PATHS,
  OWN_PURGE,
  PURGE,
  PURGED,
  RANGE_QUERY,
  RECEIPT,
  REKEY,
  STORED,
  WALKED,
  WRITE_QUERY,
} from '../cache-schema.ts'
import { NOTHING } from '../schema.ts'
import type { ServerParts } from '../server-parts.ts'
import { type Api, addRoute } from './api.ts'
import { dropUndefined } from './drop-undefined.ts'

const TAG = 'cache'
const JSON_TYPE = 'application/json; charset=utf-8'
/** As /users/{user} knows the one who asks. */
const OWN_NAME = 'me'

/** Where entries are, and how they are spoken of. */
interface Place {
  readonly prefix: string
  readonly whose: string
  readonly paths: CachePaths
  readonly takesClientSecret?: true
}

const OWN: Place = { prefix: '/cache', whose: 'your', paths: OWN_PATHS, takesClientSecret: true }
const NAMED: Place = { prefix: '/users/:user/cache', whose: 'a user’s', paths: NAMED_PATHS }

export function addCacheRoutes(api: Api, parts: ServerParts): void {
  for (const place of [OWN, NAMED]) {
    addReads(api, parts, place)
    addWrites(api, parts, place)
  }
  addOwnWork(api, parts)
  addNamedWork(api, parts)
}

function shared({ takesClientSecret }: Place) {
  return { tag: TAG, ...(takesClientSecret === undefined ? {} : { takesClientSecret }) } as const
}

function addReads(api: Api, parts: ServerParts, place: Place): void {
  const { prefix, whose, paths } = place
  addRoute(api, parts, {
    ...shared(place),
    method: 'GET',
    url: `${prefix}/:key`,
    summary: `Read an entry of ${whose} cache: its JSON as it was written`,
    path: paths.entry,
    query: ENTRY_QUERY,
    result: CACHE_VALUE,
    run: (coffre, { path, query }, request, reply) =>
      told(reply, async () => {
        const found = await spaceOf(coffre, request, { user: path.user, ...query }).lookup(path.key)
        void reply.header(CACHE_STATUS_HEADER, found.status)
        if (found.status !== 'HIT') {
          throw new CoffreError(CACHE_ERRORS[found.status], { facts: { status: found.status } })
        }
        void reply.header('content-type', JSON_TYPE)
        void reply.header(CACHE_WRITTEN_HEADER, found.writtenAt).header(CACHE_FORMAT_HEADER, found.format)
        return Buffer.from(found.bytes)
      }),
  })
  addRoute(api, parts, {
    ...shared(place),
    method: 'GET',
    url: `${prefix}/:type/:pdl`,
    summary: `Read days of ${whose} cache, in one round trip to its server`,
    path: paths.range,
    query: RANGE_QUERY,
    result: CACHE_DAYS,
    run: (coffre, { path, query }, request, reply) =>
      told(reply, async () => {
        const { from, to, values, format } = query
        const { type, pdl, user } = path
        const space = spaceOf(coffre, request, { user, format })
        const days = await space.getRange({ type, pdl, from, to })
        void reply.header(CACHE_STATUS_HEADER, worstStatus(days)).header('content-type', JSON_TYPE)
        return writeDays(days, values === 'text')
      }),
  })
  addRoute(api, parts, {
    ...shared(place),
    method: 'GET',
    url: prefix,
    summary: `Tell how ${whose} cache is kept and how many entries it has`,
    path: paths.user,
    result: CACHE_STATUS,
    run: (coffre, { path }, request) => spaceOf(coffre, request, path).status(),
  })
}

function addWrites(api: Api, parts: ServerParts, place: Place): void {
  const { prefix, whose, paths } = place
  addRoute(api, parts, {
    ...shared(place),
    method: 'PUT',
    url: `${prefix}/:key`,
    summary: `Write an entry of ${whose} cache: any JSON value`,
    path: paths.entry,
    query: WRITE_QUERY,
    body: CACHE_VALUE,
    bodyLimit: MAX_VALUE_BYTES,
    keepsText: true,
    result: STORED,
    run: (coffre, { path, query }, request, reply) =>
      told(reply, async () => {
        // A request without a body would store an empty object.
        if (request.bodyText === undefined || request.bodyText === '') {
          throw new CoffreError('INVALID_REQUEST', { facts: { at: 'body', expected: 'JSON' } })
        }
        const { ttl, format, names } = query
        const space = spaceOf(coffre, request, { user: path.user, format, names })
        const stored = await space.set(path.key, new JsonText(request.bodyText), ttl)
        if (!stored && ttl !== 0) throw new CoffreError('CACHE_UNAVAILABLE')
        return { stored }
      }),
  })
  addRoute(api, parts, {
    ...shared(place),
    method: 'DELETE',
    url: `${prefix}/:key`,
    summary: `Delete an entry of ${whose} cache`,
    path: paths.entry,
    query: ENTRY_QUERY,
    result: DELETED,
    run: (coffre, { path, query }, request, reply) =>
      told(reply, async () => ({
        deleted: await spaceOf(coffre, request, { user: path.user, ...query }).delete(path.key),
      })),
  })
}

/** What the user who asks may do to all that is his. */
function addOwnWork(api: Api, parts: ServerParts): void {
  addRoute(api, parts, {
    ...shared(OWN),
    method: 'POST',
    url: '/cache/list',
    summary: 'List entries of your cache by meter, type and day, without their values',
    body: OWN_LIST,
    result: LISTED,
    run: async (coffre, { body }, request) => ({
      entries: await spaceOf(coffre, request, {}).list(dropUndefined(body)),
    }),
  })
  addRoute(api, parts, {
    ...shared(OWN),
    method: 'POST',
    url: '/cache/purge',
    summary: 'Delete entries of your cache by meter, type and day',
    body: OWN_PURGE,
    result: PURGED,
    run: (coffre, { body: { dryRun, ...selection } }, request) =>
      spaceOf(coffre, request, {}).purge(dropUndefined(selection), { dryRun: dryRun === true }),
  })
  addRoute(api, parts, {
    ...shared(OWN),
    method: 'POST',
    url: '/cache/erase',
    summary: 'Delete all of your cache, destroy its key, and give a receipt',
    body: NOTHING,
    result: RECEIPT,
    run: (coffre, _input, request) => spaceOf(coffre, request, {}).erase(),
  })
}

/** For an administrator, who sends a secret where one is needed: nothing proves it but what it opens. */
function addNamedWork(api: Api, parts: ServerParts): void {
  const { paths, prefix } = NAMED
  const common = { tag: TAG, method: 'POST', path: paths.user } as const
  addRoute(api, parts, {
    ...common,
    url: `${prefix}/list`,
    summary: 'List entries of a user’s cache by meter, type and day, without their values',
    body: LIST,
    result: LISTED,
    run: async (coffre, { path, body: { clientSecret, ...selection } }) => ({
      entries: await namedSpace(coffre, path, clientSecret).list(dropUndefined(selection)),
    }),
  })
  addRoute(api, parts, {
    ...common,
    url: `${prefix}/purge`,
    summary: 'Delete entries of a user’s cache by meter, type and day',
    body: PURGE,
    result: PURGED,
    run: (coffre, { path, body: { dryRun, clientSecret, ...selection } }) =>
      namedSpace(coffre, path, clientSecret).purge(dropUndefined(selection), { dryRun: dryRun === true }),
  })
  addRoute(api, parts, {
    ...common,
    url: `${prefix}/erase`,
    summary: 'Delete all of a user’s cache, destroy its key, and give a receipt',
    body: ERASE,
    result: RECEIPT,
    run: (coffre, { path, body }) => namedSpace(coffre, path, body.clientSecret).erase(),
  })
  addRoute(api, parts, {
    ...common,
    url: `${prefix}/rekey`,
    summary:
      'After a change of a user’s secret: the data key under the new one, and entries of format 1 again',
    body: REKEY,
    result: WALKED,
    run: (coffre, { path, body: { oldSecret, newSecret } }) =>
      namedSpace(coffre, path).rekey(oldSecret, newSecret),
  })
  addRoute(api, parts, {
    ...common,
    url: `${prefix}/migrate`,
    summary: 'Move a user’s entries between the formats',
    body: MIGRATE,
    result: WALKED,
    run: (coffre, { path, body: { to, clientSecret, dryRun } }) =>
      namedSpace(coffre, path, clientSecret).migrate(to, clientSecret, { dryRun: dryRun === true }),
  })
}

interface Asked {
  readonly user?: string | undefined
  readonly format?: '1' | '2' | undefined
  readonly names?: 'plain' | 'hashed' | undefined
}

/** On a user's own addresses the secret that proved who asks opens entries of format 1 too. */
function spaceOf(coffre: Coffre, request: FastifyRequest, asked: Asked): CacheSpace {
  const { user, format, names } = asked
  const secret = user === undefined ? readClientSecret(request) : undefined
  const options: CacheSpaceOptions = {
    ...(secret === undefined ? {} : { secret }),
    ...(format === '1' ? { format: 1 } : {}),
    hashedNames: names === 'hashed',
  }
  return coffre.cache.for(user === OWN_NAME ? undefined : user, options)
}

function namedSpace(coffre: Coffre, { user }: { readonly user?: string | undefined }, secret?: string) {
  return coffre.cache.for(user === OWN_NAME ? undefined : user, secret === undefined ? {} : { secret })
}

/** Whoever reads only headers learns of a cache that does not answer too. */
async function told<Answer>(reply: FastifyReply, work: () => Promise<Answer>): Promise<Answer> {
  try {
    return await work()
  } catch (error) {
    if (hasCode(error, 'CACHE_UNAVAILABLE')) void reply.header(CACHE_STATUS_HEADER, 'UNAVAILABLE')
    throw error
  }
}

/** Byte for byte as each value was written: 1.0 stays 1.0. */
function writeDays(days: readonly DatedResult[], asText: boolean): Buffer {
  const written = days.map((day) => {
    if (day.status !== 'HIT') return JSON.stringify({ date: day.date, status: day.status })
    const { date, status, writtenAt, format, bytes } = day
    const text = Buffer.from(bytes).toString('utf8')
    const head = { date, status, writtenAt, format }
    return asText ? JSON.stringify({ ...head, text }) : joinJson(head, 'value', text)
  })
  return Buffer.from(`{"days":[${written.join(',')}]}`)
}
