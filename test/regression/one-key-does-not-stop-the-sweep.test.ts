import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openCore } from '../../src/app.ts'
import { DAY, toInstant } from '../../src/model/clock.ts'
import { localCaller, systemCaller } from '../../src/service/caller.ts'
import { failsWith, makeFolder } from '../temporary.ts'

test('a key that was cancelled at the last moment does not keep the next one from being destroyed', async (scope) => {
  let now = 1_800_000_000_000
  const dataDir = makeFolder(scope)
  const { core } = await openCore({ dataDir, createIfMissing: true, clock: () => toInstant(now) })
  scope.after(() => core.close())
  const caller = localCaller()
  for (const name of ['first', 'second']) {
    await core.keys.create(caller, { name })
    await core.keys.scheduleDestroy(caller, name, 7)
  }
  now += 7 * DAY
  // The sweep reads its list before the cancellation is committed, and comes to the key after it.
  const cancelled = core.keys.cancelDestroy(caller, 'first')
  const swept = core.keys.sweepDestroyed(systemCaller('sweep'))
  await assert.rejects(swept, failsWith('MOVE_REFUSED'))
  await cancelled
  assert.equal((await core.keys.get(caller, 'first')).versions[0]?.state, 'active')
  assert.equal((await core.keys.get(caller, 'second')).versions[0]?.state, 'destroyed')
})
