import { CoffreError, type ErrorCode, type ErrorFacts } from '../../model/errors.ts'
import type { Caller } from '../../service/caller.ts'

/** What a parent says to a worker, over the private channel that Node gives to a child of `node:cluster`. */
export type ToWorker =
  | ({ readonly kind: 'start'; readonly options: unknown; readonly transportKey: string } & RootState)
  | ({ readonly kind: 'root' } & RootState)
  | { readonly kind: 'answer'; readonly id: number; readonly value?: unknown; readonly error?: PlainError }
  | { readonly kind: 'stop' }

export type StartMessage = Extract<ToWorker, { readonly kind: 'start' }>
export type RootMessage = Extract<ToWorker, { readonly kind: 'root' }>

interface RootState {
  /** The parent's root key under the transport key, in base64. Absent: sealed. */
  readonly root?: string
}

/** What a worker says to its parent. */
export type ToParent =
  | { readonly kind: 'listening'; readonly url: string }
  | { readonly kind: 'failed'; readonly error: PlainError }
  | { readonly kind: 'ask'; readonly id: number; readonly question: Question }

/** What only the parent can answer: it alone knows the whole group. */
export type Question = ({ readonly about: 'operator' } & OperatorCall) | { readonly about: 'metrics' }

export interface OperatorCall {
  /** `unseal`, `ceremonies.begin`. */
  readonly path: string
  readonly caller: AskingCaller
  readonly argument: unknown
}

/** Operators reach no keys, so what policies leave to them does not cross the channel. */
export type AskingCaller = Omit<Caller, 'access'>

/** A CoffreError without its cause, which stays in the process where it happened. */
export interface PlainError {
  readonly code: ErrorCode
  readonly facts: ErrorFacts
}

const TO_WORKER = ['start', 'root', 'answer', 'stop']
const TO_PARENT = ['listening', 'failed', 'ask']

/** Others speak on the same channel: node:cluster itself and prom-client. */
export function isToWorker(message: unknown): message is ToWorker {
  return isOneOf(message, TO_WORKER)
}

export function isToParent(message: unknown): message is ToParent {
  return isOneOf(message, TO_PARENT)
}

function isOneOf(message: unknown, kinds: readonly string[]): boolean {
  if (typeof message !== 'object' || message === null || !('kind' in message)) return false
  return typeof message.kind === 'string' && kinds.includes(message.kind)
}

/** An error of no known kind is INTERNAL. */
export function toPlainError(error: unknown): PlainError {
  if (!(error instanceof CoffreError)) return { code: 'INTERNAL', facts: {} }
  return { code: error.code, facts: error.facts }
}

export function fromPlainError(error: PlainError): CoffreError {
  return new CoffreError(error.code, { facts: error.facts })
}
