import { after, describe, test } from 'node:test'
import { NO_MOTO, startMoto } from '../moto-server.ts'
import { killOnBucket, killOnFolder } from './kill-backup-places.ts'

/** Of each command; `npm run campaign -- backup-kill` kills at every call. */
const KILLS = 3

describe('coffre backup on a folder', () => {
  test('killed before any of its calls leaves whole backups and no others', async (t) => {
    const tell = (line: string) => t.diagnostic(`cases: ${line}`)
    await killOnFolder(t, { commands: ['create', 'rekey', 'prune', 'restore'], count: KILLS, tell })
  })
})

describe('coffre backup to a bucket', { skip: NO_MOTO }, async () => {
  if (NO_MOTO !== false) return
  const server = await startMoto({ after })

  test('killed at any request, or without a network from then on, leaves whole backups and no others', async (t) => {
    const tell = (line: string) => t.diagnostic(`cases: ${line}`)
    const ends = ['before', 'after', 'network'] as const
    await killOnBucket(t, server, { commands: ['create'], count: 2, ends, tell })
  })
})
