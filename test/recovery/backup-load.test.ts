import { describe, test } from 'node:test'
import { POSTGRES_15 } from '../postgres-server.ts'
import { makeFolder } from '../temporary.ts'
import { backUpUnderLoad } from './backup-load.ts'

/** `npm run campaign -- backup-load` makes a hundred of each. */
const COUNT = 2
const SKIPS = { postgres: POSTGRES_15.skip, sqlite: false, coffre: false } as const

describe('backups under write load', () => {
  for (const kind of ['postgres', 'sqlite', 'coffre'] as const) {
    test(`of ${kind} come back as one moment of it`, { skip: SKIPS[kind] }, async (t) => {
      const result = await backUpUnderLoad(t, kind, { folder: makeFolder(t), count: COUNT })
      t.diagnostic(`cases: ${JSON.stringify(result)}`)
    })
  }
})
