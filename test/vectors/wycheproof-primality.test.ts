import { isProbablePrime } from '../../src/crypto/rsa-rules.ts'
import { bytesOf, testWycheproof } from './wycheproof.ts'

/** What import asks of the primes of an RSA key. */
testWycheproof({
  file: 'primality_test.json',
  // NegativeOfPrime: the primes of a key are positive.
  accepts: () => false,
  check(_group, { fields }) {
    const value = bytesOf(fields, 'value')
    const unsigned = BigInt(`0x0${value.toString('hex')}`)
    const isNegative = (value[0] ?? 0) >= 0x80 // Two's complement.
    return !isNegative && isProbablePrime(unsigned)
  },
})
