import assert from 'node:assert/strict'
import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import { SecretSessionKeys } from '../../../../src/service/sessions/secret-session-keys.ts'
import { Sessions } from '../../../../src/service/sessions/sessions.ts'
import { watchSecretKey } from '../../../../src/service/sessions/watch-secret-key.ts'
import { Hands, OTHER_SECRET, SCOPE, SECRET } from './session-fixture.ts'

const MONTH = 30 * 24 * 3_600
const folder = mkdtempSync(join(tmpdir(), 'coffre-watch-'))
after(() => rmSync(folder, { recursive: true, force: true }))
const file = join(folder, 'secret')

function replaceFile(text: string): void {
  writeFileSync(`${file}.new`, `${text}\n`, { mode: 0o600 })
  renameSync(`${file}.new`, file)
}

describe('a SECRET_KEY that is replaced in its file', () => {
  test('signs from then on, and no session is refused until the longest has ended', async () => {
    replaceFile(SECRET)
    const hands = new Hands()
    const keys = SecretSessionKeys.fromEnvironment({ SECRET_KEY_FILE: file }, hands.clock)
    const limits = { idleSeconds: MONTH, absoluteSeconds: MONTH }
    const sessions = new Sessions({ keys, ...SCOPE, ...limits, clock: hands.clock })
    const errors: unknown[] = []
    const watch = watchSecretKey({ keys, sessions, onError: (error) => errors.push(error) })
    try {
      const tokens = await Promise.all(
        Array.from({ length: 20 }, async (_, index) => (await sessions.create(`u-${index}`)).token.reveal()),
      )
      const verifyAll = async () => {
        for (const token of tokens) assert.ok(await sessions.verify(token))
      }
      const { kid } = await keys.current()
      replaceFile(OTHER_SECRET)
      while ((await keys.current()).kid === kid) {
        await verifyAll()
        await setTimeout(20)
      }
      hands.move(MONTH - 10)
      await verifyAll()
      assert.equal(sessions.faults.key, 0)

      replaceFile('too short')
      process.emit('SIGHUP')
      assert.equal((errors[0] as { code: string }).code, 'KEY_REFUSED')
      await verifyAll()

      replaceFile(SECRET)
      process.emit('SIGHUP')
      assert.equal((await keys.current()).kid, kid)
      await verifyAll()
      assert.equal(
        Object.values(sessions.faults).reduce((sum, count) => sum + count),
        0,
      )
    } finally {
      watch.close()
    }
    assert.equal(process.listenerCount('SIGHUP'), 0)
  })

  test('is not watched where there is no file', () => {
    const keys = SecretSessionKeys.fromEnvironment({ SECRET_KEY: SECRET })
    const sessions = { absoluteSeconds: 1 }
    assert.throws(() => watchSecretKey({ keys, sessions }), { code: 'SECRET_KEY_MISSING' })
  })
})
