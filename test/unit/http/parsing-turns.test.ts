import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ParsingTurns } from '../../../src/http/parsing-turns.ts'

const LARGE = 14 * 1024 * 1024

/** Counts the turns of the event loop. */
function countTurns() {
  const loop = { turn: 0 }
  let next: NodeJS.Immediate
  const again = () => {
    loop.turn += 1
    next = setImmediate(again)
  }
  next = setImmediate(again)
  return { loop, stop: () => clearImmediate(next) }
}

test('large bodies that arrive together have a turn of the event loop each', async () => {
  const { loop, stop } = countTurns()
  const turns = new ParsingTurns()
  const taken = await Promise.all([1, 2, 3, 4].map(() => turns.take(LARGE).then(() => loop.turn)))
  stop()
  assert.equal(new Set(taken).size, 4, `they had the turns ${taken.join(', ')}`)
})

test('a small body waits for no large one', async () => {
  const turns = new ParsingTurns()
  const order: string[] = []
  const large = turns.take(LARGE).then(() => order.push('large'))
  await turns.take(100).then(() => order.push('small'))
  await large
  assert.deepEqual(order, ['small', 'large'])
})
