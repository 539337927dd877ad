import assert from 'node:assert/strict'
import { mock, test } from 'node:test'
import { decryptFile, encryptFile } from '../../src/app.ts'
import { failsWith, openTemporary } from '../temporary.ts'

test('a Coffre that is closed leaves no timer behind', async (scope) => {
  const [started, stopped] = [
    mock.method(globalThis, 'setInterval'),
    mock.method(globalThis, 'clearInterval'),
  ]
  scope.after(() => mock.restoreAll())
  const coffre = await openTemporary(scope)
  await coffre.close()
  const timers = started.mock.calls.map(({ result }) => result)
  const ended = new Set<unknown>(stopped.mock.calls.map((call) => call.arguments[0]))
  assert.ok(timers.length > 0)
  assert.deepEqual(
    timers.filter((timer) => !ended.has(timer)),
    [],
  )
})

test('the source of a file that does not open is cancelled', async (scope) => {
  const coffre = await openTemporary(scope)
  await coffre.keys.create({ name: 'k' })
  const encrypted = await encryptFile(coffre, ReadableStream.from([Buffer.from('p')]), {
    key: 'k',
    context: { a: 'b' },
  })
  const file = Buffer.concat(await Array.fromAsync(encrypted))
  let cancelled = false
  const source = new ReadableStream<Uint8Array>({
    pull: (controller) => controller.enqueue(file),
    cancel: () => {
      cancelled = true
    },
  })
  await assert.rejects(decryptFile(coffre, source), failsWith('DECRYPTION_FAILED'))
  assert.ok(cancelled)
})
