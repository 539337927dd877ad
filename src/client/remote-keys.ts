import type { Keys, KeyView } from '../model/coffre.ts'
import { parseKeyName } from '../model/ids.ts'
import { KEY_SHAPE, parseAnswer, parseList } from './answer-shape.ts'
import { remoteTransfer } from './remote-transfer.ts'
import type { Call, Connection } from './connection.ts'

export function remoteKeys(connection: Connection): Keys {
  const ask = async (call: Call): Promise<KeyView> =>
    parseAnswer<KeyView>(await connection.send(call), KEY_SHAPE)
  const move = (name: string, verb: string, body: object = {}): Promise<KeyView> =>
    ask({ method: 'POST', path: `${keyPath(name)}/${verb}`, body })
  return {
    ...remoteTransfer(connection),
    create: (request) => ask({ method: 'POST', path: '/keys', body: request }),
    list: async ({ after, limit } = {}) =>
      parseList<KeyView>(
        await connection.send({ method: 'GET', path: `/keys${formatQuery({ after, limit })}` }),
        'keys',
        KEY_SHAPE,
      ),
    get: (name) => ask({ method: 'GET', path: keyPath(name) }),
    update: (name, labels) => ask({ method: 'PATCH', path: keyPath(name), body: labels }),
    rotate: (name) => move(name, 'rotate'),
    prepare: (name) => move(name, 'prepare'),
    rollback: (name, options) => move(name, 'rollback', options),
    suspend: (name, options) => move(name, 'suspend', options),
    resume: (name, options) => move(name, 'resume', options),
    deactivate: (name, options) => move(name, 'deactivate', options),
    compromise: (name, options) => move(name, 'compromise', options),
    setFloor: (name, version) => move(name, 'floor', { version }),
    destroy: (name, options) => move(name, 'destroy', options),
    scheduleDestroy: (name, options) => move(name, 'schedule-destroy', options),
    cancelDestroy: (name) => move(name, 'cancel-destroy'),
  }
}

export function formatQuery(query: Readonly<Record<string, string | number | undefined>>): string {
  const given = Object.entries(query).flatMap(([name, value]) =>
    value === undefined ? [] : [[name, String(value)]],
  )
  return given.length === 0 ? '' : `?${new URLSearchParams(given).toString()}`
}

function keyPath(name: string): string {
  return `/keys/${parseKeyName(name)}`
}
