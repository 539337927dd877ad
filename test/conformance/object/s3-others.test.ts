import { after, describe } from 'node:test'
import { NO_MOTO, startMoto } from '../../moto-server.ts'
import { HAS_VERSITY, startVersity } from '../../versity-server.ts'
import { testS3Store } from './s3-suite.ts'

describe('a bucket of moto', { skip: NO_MOTO }, async () => {
  if (NO_MOTO !== false) return
  testS3Store(await startMoto({ after }), { condition: 'atomic', partBytes: 100_000, tellsStart: false })
})

// No package of Debian or pip has it, so it is a third server where somebody built it, and no test that is missing.
if (HAS_VERSITY) {
  describe('a bucket of Versity’s gateway', async () => {
    testS3Store(await startVersity({ after }), { condition: 'atomic', partBytes: 5 * 1024 * 1024 })
  })
}
