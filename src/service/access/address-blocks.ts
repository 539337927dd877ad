import { BlockList, isIP } from 'node:net'
import { plainAddress } from '../attempt/address-name.ts'

/** The blocks that a token must come from, ready to be asked. */
export class AddressBlocks {
  readonly #blocks = new BlockList()

  /** `cidrs` were checked when the token was made. */
  constructor(cidrs: readonly string[]) {
    for (const cidr of cidrs) {
      const [address = '', prefix] = cidr.split('/')
      const family = familyOf(address)
      if (prefix === undefined) this.#blocks.addAddress(address, family)
      else this.#blocks.addSubnet(address, Number(prefix), family)
    }
  }

  includes(address: string | undefined): boolean {
    const plain = plainAddress(address ?? '')
    return isIP(plain) !== 0 && this.#blocks.check(plain, familyOf(plain))
  }
}

function familyOf(address: string): 'ipv4' | 'ipv6' {
  return isIP(address) === 6 ? 'ipv6' : 'ipv4'
}
