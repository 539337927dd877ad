import assert from 'node:assert/strict'
import { X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { FastifyRequest } from 'fastify'
import { readCertificate, readClientCertificate } from '../../src/crypto/certificate.ts'
import { readCookie } from '../../src/http/adapter/cookie.ts'
import { readClientSecret } from '../../src/http/authenticate.ts'
import { readContextHeader } from '../../src/http/stream-body.ts'
import { toInstant } from '../../src/model/clock.ts'
import { CONTEXT_HEADER } from '../../src/model/wire.ts'
import { createTransportKey, readTransportKey } from '../../src/seal/transport-key.ts'
import { readJwtHead } from '../../src/service/login/judge-jwt.ts'
import type { FuzzedParser } from './parsers.ts'

/** Valid for a hundred years, with names of every kind, one of which holds a comma. Nobody has its key. */
const CERTIFICATE = readFileSync(join(import.meta.dirname, 'certificate.pem'))
const NOW = toInstant(Date.UTC(2030, 0))
const texts = (...all: readonly string[]) => all.map((text) => Buffer.from(text))

/** What is read before a request has a caller: the certificate of its connection, and its headers. */
export function makeHeadParsers(): readonly FuzzedParser[] {
  return [...certificateParsers(), ...headerParsers(), transportKeyParser()]
}

function certificateParsers(): FuzzedParser[] {
  return [
    {
      name: 'certificate',
      seeds: [CERTIFICATE],
      parse: (input) => {
        const facts = readCertificate(input.toString('latin1'))
        if (facts !== undefined) assert.match(facts.serial, /^-?[0-9A-F]+$/)
        return facts !== undefined
      },
    },
    {
      // TLS judges the signature before; here only the names must come without a crash.
      name: 'client-certificate',
      seeds: [new X509Certificate(CERTIFICATE).raw],
      parse: (input) => {
        const claims = readClientCertificate(input, NOW)
        if (claims !== undefined) assert.match(claims.fingerprint.join(), /^[0-9a-f]{64}$/)
        return claims !== undefined
      },
    },
  ]
}

function headerParsers(): FuzzedParser[] {
  const head = Buffer.from('{"alg":"RS256","kid":"a","typ":"JWT"}').toString('base64url')
  return [
    {
      name: 'context-header',
      seeds: texts('{"table":"users","row":"42"}', '{}'),
      parse: (input) => {
        const headers = { [CONTEXT_HEADER]: input.toString('latin1') }
        const { context } = readContextHeader({ headers } as unknown as FastifyRequest)
        return Object.values(context ?? {}).every((value) => typeof value === 'string')
      },
    },
    {
      name: 'cookie',
      seeds: texts('a=1; __Host-session=abc.def; b="x"', '__Host-session=only'),
      parse: (input) => {
        const header = input.toString('latin1')
        const value = readCookie(header, '__Host-session')
        if (value !== undefined) assert.ok(header.includes(value) && !value.includes(';'))
        return value !== undefined
      },
    },
    {
      name: 'client-secret-header',
      seeds: texts(`Basic ${Buffer.from('shop/client:secret').toString('base64')}`),
      parse: (input) => {
        const headers = { authorization: input.toString('latin1') }
        return readClientSecret({ headers } as FastifyRequest) !== undefined
      },
    },
    {
      name: 'jwt-head',
      seeds: texts(`${head}.e30.AAAA`),
      parse: (input) => {
        const parsed = readJwtHead(input.toString('latin1'), { algorithms: ['RS256', 'EdDSA'] })
        if (parsed !== undefined) assert.ok(['RS256', 'EdDSA'].includes(parsed.algorithm))
        return parsed !== undefined
      },
    },
  ]
}

function transportKeyParser(): FuzzedParser {
  return {
    name: 'transport-key',
    seeds: texts(createTransportKey().text),
    parse: (input) => {
      readTransportKey(input.toString('latin1'))
      return true
    },
  }
}
