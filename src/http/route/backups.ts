import { BACKUP_EVENT } from '../backup-schema.ts'
import type { ServerParts } from '../server-parts.ts'
import { type Api, addRoute } from './api.ts'
import { dropUndefined } from './drop-undefined.ts'

const TAG = 'backups'

export function addBackupRoutes(api: Api, parts: ServerParts): void {
  addRoute(api, parts, {
    method: 'POST',
    url: '/backups/records',
    summary: 'Record what the caller did with a backup that it holds itself',
    tag: TAG,
    body: BACKUP_EVENT,
    status: 204,
    run: (coffre, { body }) => coffre.backups.record(dropUndefined(body)),
  })
}
