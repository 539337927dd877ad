import { z } from 'zod'
import type { Coffre, KeyLabelsView, KeyView } from '../../model/coffre.ts'
import {
  CREATE_KEY,
  KEY,
  KEY_PATH,
  LIST_QUERY,
  MAY_NAME_DAYS,
  MAY_NAME_VERSION,
  NAMES_VERSION,
  NOTHING,
  UPDATE_KEY,
} from '../schema.ts'
import type { ServerParts } from '../server-parts.ts'
import { type Api, addRoute } from './api.ts'
import { dropUndefined } from './drop-undefined.ts'

const TAG = 'keys'

export function addKeyRoutes(api: Api, parts: ServerParts): void {
  addRoute(api, parts, {
    method: 'POST',
    url: '/keys',
    summary: 'Create a key',
    tag: TAG,
    body: CREATE_KEY,
    result: KEY,
    status: 201,
    run: (coffre, { body }) => coffre.keys.create({ ...dropUndefined(body), name: body.name }),
  })
  addRoute(api, parts, {
    method: 'GET',
    url: '/keys',
    summary: 'List keys by name',
    tag: TAG,
    query: LIST_QUERY,
    result: z.object({ keys: z.array(KEY) }),
    run: async (coffre, { query }) => ({ keys: await coffre.keys.list(dropUndefined(query)) }),
  })
  addRoute(api, parts, {
    method: 'GET',
    url: '/keys/:name',
    summary: 'Show a key',
    tag: TAG,
    path: KEY_PATH,
    result: KEY,
    run: (coffre, { path }) => coffre.keys.get(path.name),
  })
  addRoute(api, parts, {
    method: 'PATCH',
    url: '/keys/:name',
    summary: 'Change description, owner, environment, security level or tags',
    tag: TAG,
    path: KEY_PATH,
    body: UPDATE_KEY,
    result: KEY,
    run: (coffre, { path, body }) =>
      coffre.keys.update(path.name, dropUndefined<Partial<KeyLabelsView>>(body)),
  })
  addMoves(api, parts)
}

function addMoves(api: Api, parts: ServerParts): void {
  const add = <Body extends z.ZodType>(
    move: string,
    summary: string,
    route: { body: Body; run(coffre: Coffre, name: string, body: z.output<Body>): Promise<KeyView> },
  ) =>
    addRoute(api, parts, {
      method: 'POST',
      url: `/keys/:name/${move}`,
      summary,
      tag: TAG,
      path: KEY_PATH,
      body: route.body,
      result: KEY,
      run: (coffre, { path, body }) => route.run(coffre, path.name, body),
    })

  add('rotate', 'Make the prepared version current, or add one and make it current', {
    body: NOTHING,
    run: (coffre, name) => coffre.keys.rotate(name),
  })
  add('prepare', 'Add the version that the next rotation makes current', {
    body: NOTHING,
    run: (coffre, name) => coffre.keys.prepare(name),
  })
  add('rollback', 'Make an older, still valid version current again', {
    body: MAY_NAME_VERSION,
    run: (coffre, name, body) => coffre.keys.rollback(name, dropUndefined(body)),
  })
  for (const move of ['suspend', 'resume', 'deactivate', 'compromise'] as const) {
    add(move, MOVE_SUMMARY[move], {
      body: MAY_NAME_VERSION,
      run: (coffre, name, body) => coffre.keys[move](name, dropUndefined(body)),
    })
  }
  add('floor', 'Set the lowest version that still decrypts and verifies', {
    body: NAMES_VERSION,
    run: (coffre, name, body) => coffre.keys.setFloor(name, body.version),
  })
  add('destroy', 'Destroy one version that is below the floor, for good', {
    body: NAMES_VERSION,
    run: (coffre, name, body) => coffre.keys.destroy(name, body),
  })
  add('schedule-destroy', 'Stop the whole key now and destroy it after 7 to 30 days', {
    body: MAY_NAME_DAYS,
    run: (coffre, name, body) => coffre.keys.scheduleDestroy(name, dropUndefined(body)),
  })
  add('cancel-destroy', 'Cancel a scheduled destruction', {
    body: NOTHING,
    run: (coffre, name) => coffre.keys.cancelDestroy(name),
  })
}

const MOVE_SUMMARY = {
  suspend: 'Stop a version, or every version, for a while',
  resume: 'Take up suspended versions again',
  deactivate: 'A version protects nothing new and still reads',
  compromise: 'A version is known to others: it only decrypts, to be rewrapped',
} as const
