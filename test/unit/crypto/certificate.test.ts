import assert from 'node:assert/strict'
import { X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { describe, test, type TestContext } from 'node:test'
import {
  matchesPrivateKey,
  NO_RESUMPTION,
  readCertificate,
  readClientCertificate,
} from '../../../src/crypto/certificate.ts'
import { toInstant } from '../../../src/model/clock.ts'
import { Authority, type IssueOptions, withoutOpenssl } from '../../http/certificates.ts'
import { makeFolder } from '../../temporary.ts'

const CLIENT = 'extendedKeyUsage=clientAuth'

/** A certificate of the `openssl` command, and what node:crypto says of it. */
function issue(t: TestContext, options: IssueOptions) {
  const { certificateFile, keyFile } = new Authority(makeFolder(t)).issue('client', options)
  const pem = readFileSync(certificateFile, 'latin1')
  return { pem, key: readFileSync(keyFile, 'latin1'), certificate: new X509Certificate(pem) }
}

describe('a certificate', { skip: withoutOpenssl }, () => {
  test('says when it is valid and matches its own private key alone', (t) => {
    const { pem, key, certificate } = issue(t, {})
    const { pem: otherPem, key: otherKey } = issue(t, {})
    assert.deepEqual(readCertificate(pem), {
      notBefore: certificate.validFromDate.getTime(),
      notAfter: certificate.validToDate.getTime(),
      serial: certificate.serialNumber,
    })
    assert.equal(readCertificate(`${pem}${otherPem}`)?.serial, certificate.serialNumber)
    assert.equal(matchesPrivateKey(pem, key), true)
    assert.equal(matchesPrivateKey(pem, otherKey), false)
    assert.equal(matchesPrivateKey(pem, 'no key'), false)
    assert.equal(matchesPrivateKey('no certificate', key), false)
    for (const text of ['', 'no certificate', key]) assert.equal(readCertificate(text), undefined)
  })

  test('whose date is damaged is none', (t) => {
    const { certificate } = issue(t, { extensions: [CLIENT] })
    const now = toInstant(certificate.validFromDate.getTime())
    assert.ok(readClientCertificate(certificate.raw, now))
    // Both dates stand side by side, each a UTCTime of 13 characters after its tag and length.
    const validity = certificate.raw.indexOf(Buffer.from([0x30, 0x1e, 0x17, 0x0d]))
    for (const at of [validity + 4, validity + 19]) {
      const damaged = Buffer.from(certificate.raw)
      damaged.write('x', at)
      const pem = `-----BEGIN CERTIFICATE-----\n${damaged.toString('base64')}\n-----END CERTIFICATE-----\n`
      assert.equal(new X509Certificate(pem).serialNumber, certificate.serialNumber)
      assert.equal(readCertificate(pem), undefined)
      assert.equal(readClientCertificate(damaged, now), undefined)
    }
  })

  test('of a client says whose it is, each name in its own place', (t) => {
    const { certificate } = issue(t, {
      subject: '/O=Acme/OU=one/OU=two/CN=app',
      extensions: [
        'subjectAltName=DNS:a.example,DNS:b.example,URI:spiffe://x/y,email:a@b.example,IP:10.0.0.1',
        'extendedKeyUsage=serverAuth,clientAuth',
      ],
    })
    const now = toInstant(certificate.validFromDate.getTime())
    assert.deepEqual(readClientCertificate(certificate.raw, now), {
      cn: ['app'],
      o: ['Acme'],
      ou: ['one', 'two'],
      dns: ['a.example', 'b.example'],
      uri: ['spiffe://x/y'],
      email: ['a@b.example'],
      ip: ['10.0.0.1'],
      serial: [certificate.serialNumber.toLowerCase()],
      fingerprint: [certificate.fingerprint256.replaceAll(':', '').toLowerCase()],
    })
  })

  test('of a client may have no alternative name, or one that holds commas and quotes', (t) => {
    const plain = issue(t, { extensions: [CLIENT] }).certificate
    const odd = issue(t, {
      extensions: [
        'subjectAltName=@names',
        CLIENT,
        '[names]',
        String.raw`URI.1=spiffe://x/\"a, DNS:b\"`,
        'DNS.1=c.example',
      ],
    }).certificate
    const read = (certificate: X509Certificate) =>
      readClientCertificate(certificate.raw, toInstant(certificate.validToDate.getTime()))
    const { dns, uri, cn } = read(plain) ?? {}
    assert.deepEqual([dns, uri, cn], [[], [], ['client']])
    const found = read(odd)
    assert.deepEqual([found?.dns, found?.uri], [['c.example'], ['spiffe://x/"a, DNS:b"']])
  })

  test('is none of a client outside its time, for another purpose, of a CA, or where it does not read', (t) => {
    const client = issue(t, { extensions: [CLIENT] }).certificate
    const [from, to] = [client.validFromDate.getTime(), client.validToDate.getTime()]
    const read = (certificate: X509Certificate, at: number) =>
      readClientCertificate(certificate.raw, toInstant(at))
    assert.equal(read(client, from - 1), undefined)
    assert.ok(read(client, from) !== undefined)
    assert.ok(read(client, to) !== undefined)
    assert.equal(read(client, to + 1), undefined)
    for (const extensions of [
      ['extendedKeyUsage=serverAuth'],
      ['subjectAltName=DNS:a.example'],
      [CLIENT, 'basicConstraints=critical,CA:TRUE'],
    ]) {
      const { certificate } = issue(t, { extensions })
      assert.equal(read(certificate, certificate.validFromDate.getTime()), undefined, extensions.join())
    }
    assert.equal(readClientCertificate(client.raw.subarray(1), toInstant(from)), undefined)
  })
})

test('a TLS session is not resumed and not negotiated again', () => {
  // SSL_OP_NO_TICKET and SSL_OP_NO_RENEGOTIATION of OpenSSL 3.
  assert.equal(NO_RESUMPTION, 2 ** 14 + 2 ** 30)
})
