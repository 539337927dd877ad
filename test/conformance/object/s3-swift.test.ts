import { after, describe } from 'node:test'
import { NO_SWIFT, startSwift } from '../../swift-server.ts'
import { testS3Store } from './s3-suite.ts'

describe('a bucket of OpenStack Swift', { skip: NO_SWIFT }, async () => {
  if (NO_SWIFT !== false) return
  testS3Store(await startSwift({ after }), { condition: 'looked', partBytes: 100_000 })
})
