import assert from 'node:assert/strict'
import { Readable } from 'node:stream'
import { readLog } from '../../src/audit/read-log.ts'
import { readLines } from '../../src/cli/input/read-lines.ts'
import { parseBatchError, parseProblem } from '../../src/client/parse-problem.ts'
import { createToken, readTokenId } from '../../src/crypto/bearer-token.ts'
import { encodePairs } from '../../src/crypto/context.ts'
import { KeyMaterial } from '../../src/crypto/key-material.ts'
import { parseJsonBody } from '../../src/http/json-body.ts'
import { CoffreError } from '../../src/model/errors.ts'
import { MAX_BODY_BYTES, MAX_JSON_DEPTH } from '../../src/model/limits.ts'
import { Secret } from '../../src/model/secret.ts'
import { toWrapped } from '../../src/model/wrapped.ts'
import { parseSealKey } from '../../src/seal/seal-key.ts'
import { formatShare, formatShareWords, parseShare } from '../../src/seal/shamir/share-text.ts'
import { sealRootKey, unsealRootKey } from '../../src/seal/slot.ts'
import { readContext } from '../../src/service/data/input.ts'
import { inspectBlob } from '../../src/service/data/inspect.ts'
import { parsePolicyDocument } from '../../src/service/policy/policy-document.ts'
import type { ReadStore } from '../../src/store/store.ts'
import { memorySeal } from '../core-over.ts'
import type { FuzzedParser } from './parsers.ts'

const texts = (...all: readonly string[]) => all.map((text) => Buffer.from(text))

function jsonParsers(): FuzzedParser[] {
  const seeds = texts(
    '{"key":"orders","plaintext":"aGVsbG8=","context":{"order":"17"}}',
    '{"items":[{"key":"a","plaintext":"\\u00e9\\ud83d\\ude00"},{"key":"b","n":[1,-2.5e3,true,null]}]}',
  )
  return [
    {
      name: 'json-body',
      seeds,
      parse: (input) => {
        const parsed = parseJsonBody(input)
        if (input.length > 0) assert.deepEqual(parsed, JSON.parse(input.toString('utf8')))
        assert.ok(depthOf(parsed) <= MAX_JSON_DEPTH)
        return true
      },
    },
    {
      name: 'context',
      seeds: texts('{"a":"b","ä":"\\u0000"}', '{"order":"17","":""}'),
      parse: (input) => {
        const value = parseJson(input) as Readonly<Record<string, string>>
        const context = readContext(value)
        const again = Object.fromEntries(Object.entries(context).toReversed())
        assert.deepEqual(encodePairs(context), encodePairs(again), 'the order of pairs matters')
        return true
      },
    },
    {
      name: 'policy',
      seeds: texts(
        '{"rules":[{"keys":["orders-*"],"operations":["data.encrypt","data.decrypt"],"context":{"tenant":["a"]}}]}',
      ),
      parse: (input) => {
        const document = parsePolicyDocument(parseJson(input))
        assert.deepEqual(parsePolicyDocument(JSON.parse(JSON.stringify(document))), document)
        return true
      },
    },
  ]
}

function parseJson(input: Buffer): unknown {
  try {
    return JSON.parse(input.toString('utf8'))
  } catch {
    throw new CoffreError('INVALID_REQUEST')
  }
}

function depthOf(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0
  return 1 + Math.max(0, ...Object.values(value).map(depthOf))
}

function answerParsers(): FuzzedParser[] {
  const facts = '"facts":{"at":"key","maximum":3}'
  const seeds = texts(
    `{"type":"about:blank","title":"x","status":404,"code":"KEY_NOT_FOUND",${facts},"requestId":"r"}`,
    '{"code":"FROM_THE_FUTURE","facts":[]}',
  )
  const headers = new Headers({ 'content-type': 'application/problem+json' })
  return [
    {
      name: 'problem',
      seeds,
      parse: (input) => {
        const error = parseProblem({ status: 400, headers, body: parseJson(input) })
        assert.ok(error instanceof CoffreError)
        return true
      },
    },
    {
      name: 'batch-error',
      seeds: seeds.slice(0, 1),
      parse: (input) => parseBatchError(parseJson(input)).code !== undefined,
    },
  ]
}

function secretParsers(): FuzzedParser[] {
  const token = createToken()
  const share = {
    setId: '01020304',
    threshold: 2,
    count: 3,
    number: 1,
    point: 9,
    value: new KeyMaterial(Buffer.alloc(32, 5)),
  }
  return [
    {
      name: 'token',
      seeds: texts(token.token.reveal()),
      parse: (input) => {
        const id = readTokenId(input.toString('latin1'))
        if (id === undefined) return false
        assert.equal(id, token.id, 'another token passes its checksum')
        return true
      },
    },
    {
      name: 'share',
      seeds: texts(formatShare(share).reveal(), formatShareWords(share).reveal()),
      parse: (input) => {
        const read = parseShare(new Secret(input.toString('utf8')))
        assert.equal(
          formatShare(read).reveal(),
          formatShare(share).reveal(),
          'another share passes its checksum',
        )
        return true
      },
    },
    {
      name: 'seal-key',
      seeds: texts('ab'.repeat(32), Buffer.alloc(32, 0xfb).toString('base64')),
      parse: (input) => parseSealKey(input.toString('latin1'), 'X').length === 32,
    },
  ]
}

async function slotParser(): Promise<FuzzedParser> {
  const provider = memorySeal()
  const root = new KeyMaterial(Buffer.alloc(32, 9))
  const slot = await sealRootKey(provider, root)
  return {
    name: 'seal-slot',
    seeds: [Buffer.from(slot)],
    isSlow: true,
    parse: async (input) => {
      const opened = await unsealRootKey(provider, toWrapped(input))
      assert.ok(input.equals(slot) && opened.equals(root), 'a changed slot opens')
      return true
    },
  }
}

function streamParsers(): FuzzedParser[] {
  const limit = { name: 'line', maximumBytes: 1_000 }
  return [
    {
      name: 'lines',
      seeds: texts('one\ntwo\n\nfour', 'x\r\ny\n'),
      isSlow: true,
      parse: async (input) => {
        const lines: string[] = []
        const cut = input.length >> 1
        const stream = Readable.from([input.subarray(0, cut), input.subarray(cut)])
        for await (const line of readLines(stream, limit)) lines.push(Buffer.from(line).toString('latin1'))
        const expected = input.toString('latin1').split('\n')
        if (expected.at(-1) === '') expected.pop()
        assert.deepEqual(lines, expected)
        return true
      },
    },
    {
      name: 'audit-record',
      seeds: texts(
        '{"v":1,"i":4,"prev":"00","at":"2026-01-01T00:00:00Z","action":"key.create","by":"local"}',
      ),
      parse: async (input) => {
        const body = input.toString('utf8')
        const records = [{ index: 4, body, leafHash: new Uint8Array(32) }]
        const store: Pick<ReadStore, 'readAuditRecords'> = { readAuditRecords: async () => records }
        const [view] = await readLog(store as ReadStore, 4, 1)
        assert.equal(view?.body, body)
        return true
      },
    },
  ]
}

function inspectParser(): FuzzedParser {
  const seeds = texts(
    'cof1ASNFZ4mrTN6PASNFZ4mrze8AAAAD'.padEnd(120, 'A'),
    'gAAAAABrSd0A'.padEnd(100, 'A'),
    'vault:v1:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA',
    'eyJhbGciOiJIUzI1NiIsImtpZCI6IngifQ.eyJhIjoxfQ.AAAA',
    createToken().token.reveal(),
  )
  return {
    name: 'inspect',
    seeds,
    parse: (input) => {
      for (const blob of [input, input.toString('utf8')]) {
        const inspection = inspectBlob(blob)
        assert.ok(inspection.format.length > 0)
        assert.ok(JSON.stringify(inspection).length < MAX_BODY_BYTES)
      }
      return true
    },
  }
}

export async function makeOutsideParsers(): Promise<FuzzedParser[]> {
  return [
    ...jsonParsers(),
    ...answerParsers(),
    ...secretParsers(),
    await slotParser(),
    ...streamParsers(),
    inspectParser(),
  ]
}
