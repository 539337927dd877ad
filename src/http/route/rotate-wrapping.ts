import { Readable } from 'node:stream'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { RotateWrappingOptions } from '../../model/api-key.ts'
import type { Coffre } from '../../model/coffre.ts'
import { LINES_TYPE } from '../../model/wire.ts'
import { toCoffreError } from '../problem.ts'

/**
 * At once when all is done, or, for who accepts lines, how far it is after each page and the result as the last line.
 * Whoever hangs up stops it; it goes on when it is asked for again.
 */
export function sendRotation(
  coffre: Coffre,
  options: RotateWrappingOptions,
  { request, reply }: { readonly request: FastifyRequest; readonly reply: FastifyReply },
): Promise<unknown> {
  if (request.headers.accept?.includes(LINES_TYPE) !== true) return coffre.apiKeys.rotateWrapping(options)
  void reply.header('content-type', LINES_TYPE)
  // As a promise: a refusal before the first line is a problem document.
  return firstLine(rotationLines(coffre, options))
}

async function firstLine(lines: AsyncGenerator<string>): Promise<Readable> {
  const first = await lines.next()
  return Readable.from(
    (async function* () {
      if (first.done !== true) yield first.value
      yield* lines
    })(),
  )
}

async function* rotationLines(coffre: Coffre, options: RotateWrappingOptions): AsyncGenerator<string> {
  const told: string[] = []
  let [isWanted, wake] = [true, () => {}]
  const tell = (done: number, of: number) => {
    if (!isWanted) throw new Error('whoever asked has hung up')
    told.push(toLine({ done, of }))
    wake()
  }
  let isOver = false
  const rotated = coffre.apiKeys.rotateWrapping({ ...options, tell }).finally(() => {
    isOver = true
    wake()
  })
  rotated.catch(() => undefined)
  try {
    for (let lines = 0; ; lines += 1) {
      if (told.length === 0 && !isOver) await new Promise<void>((resolve) => (wake = resolve))
      const line = told.shift()
      if (line !== undefined) yield line
      else if (isOver) return yield toLine(await result(rotated, lines > 0))
    }
  } finally {
    isWanted = false
  }
}

async function result(rotated: Promise<object>, isUnderWay: boolean): Promise<object> {
  try {
    return { ok: true, value: await rotated }
  } catch (error) {
    if (!isUnderWay) throw error
    return { ok: false, error: toCoffreError(error, LINES_TYPE).toJSON() }
  }
}

function toLine(value: object): string {
  return `${JSON.stringify(value)}\n`
}
