import type { CoffreBackups } from '../model/backup-trail.ts'
import type { Connection } from './connection.ts'

export function remoteBackups(connection: Connection): CoffreBackups {
  return {
    record: async (event) => {
      await connection.send({ method: 'POST', path: '/backups/records', body: event })
    },
  }
}
