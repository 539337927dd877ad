import cluster from 'node:cluster'
import { CoffreError } from '../../model/errors.ts'
import {
  fromPlainError,
  isToWorker,
  type Question,
  type StartMessage,
  type ToParent,
  type ToWorker,
  toPlainError,
} from './messages.ts'

/** Longer than any answer of the parent takes; a lost one must not hold a request for ever. */
const MAX_ANSWER_MS = 60_000

interface Waiting {
  readonly resolve: (value: unknown) => void
  readonly reject: (error: unknown) => void
  readonly timer: NodeJS.Timeout
}

/** A worker's end of the channel to its parent. When the parent is gone the worker ends (node:cluster). */
export class ParentLink {
  readonly #waiting = new Map<number, Waiting>()
  #questions = 0
  #onRoot: (root: string | undefined) => void = () => undefined
  #onStop: () => void = () => undefined

  /** Resolves with the parent's first message. */
  async begin(): Promise<StartMessage> {
    // Ctrl-C reaches every process of the terminal; the parent alone decides when its workers stop.
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => undefined)
    return new Promise((resolve) => {
      process.on('message', (message: unknown) => {
        if (!isToWorker(message)) return
        if (message.kind === 'start') resolve(message)
        if (message.kind === 'root') this.#onRoot(message.root)
        if (message.kind === 'answer') this.#settle(message)
        if (message.kind === 'stop') this.#onStop()
      })
    })
  }

  whenRootChanges(listener: (root: string | undefined) => void): void {
    this.#onRoot = listener
  }

  whenStopped(listener: () => void): void {
    this.#onStop = listener
  }

  tellListening(url: string): void {
    this.#send({ kind: 'listening', url })
  }

  tellFailed(error: unknown): void {
    this.#send({ kind: 'failed', error: toPlainError(error) })
  }

  /** Throws what the parent's answer throws. */
  ask(question: Question): Promise<unknown> {
    const id = this.#questions
    this.#questions += 1
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#waiting.delete(id)
        reject(new CoffreError('INTERNAL'))
      }, MAX_ANSWER_MS)
      this.#waiting.set(id, { resolve, reject, timer })
      this.#send({ kind: 'ask', id, question })
    })
  }

  /** Leaves the group; the process ends once nothing is left to do. */
  leave(): void {
    cluster.worker?.disconnect()
  }

  #settle({ id, value, error }: Extract<ToWorker, { readonly kind: 'answer' }>): void {
    const waiting = this.#waiting.get(id)
    if (waiting === undefined) return
    this.#waiting.delete(id)
    clearTimeout(waiting.timer)
    if (error === undefined) waiting.resolve(value)
    else waiting.reject(fromPlainError(error))
  }

  #send(message: ToParent): void {
    process.send?.(message)
  }
}
