import ipaddr from 'ipaddr.js';

const IPV6_PREFIX_BITS = 64;
const IPV4_BITS = 32;
const KEY_SUFFIX = `/${IPV6_PREFIX_BITS}`;

/**
 * The key under which an address is counted and blocked: IPv4 as it is, also where it comes mapped into IPv6; IPv6 by
 * its /64, as one host has all of that (W-13). The key of a key is that key.
 * @param address anything that a socket or a proxy said; all that is no address shares one key
 */
export function addressKey(address: string | undefined): string {
  const parsed = parse(address?.replace(KEY_SUFFIX, ''));
  if (!parsed) return 'unknown';
  // This machine stays apart from what else its /64 holds: it is never blocked.
  if (parsed.kind() === 'ipv4' || parsed.range() === 'loopback') return parsed.toString();
  const network = ipaddr.IPv6.networkAddressFromCIDR(`${parsed.toString()}/${IPV6_PREFIX_BITS}`);
  return `${network.toString()}/${IPV6_PREFIX_BITS}`;
}

/** Whether an address is of this machine. Those are never blocked (D-11). */
export function isLoopbackAddress(address: string | undefined): boolean {
  return parse(address)?.range() === 'loopback';
}

/** A list of addresses and CIDR blocks, compiled once. */
export class AddressList {
  private readonly blocks: readonly (readonly [ipaddr.IPv4 | ipaddr.IPv6, number])[];

  /** @param entries addresses and CIDR blocks; whoever reads settings has checked them */
  constructor(entries: readonly string[]) {
    this.blocks = entries.map((entry) => {
      if (entry.includes('/')) return ipaddr.parseCIDR(entry);
      const address = ipaddr.process(entry);
      return [address, address.kind() === 'ipv4' ? IPV4_BITS : IPV4_BITS * 4] as const;
    });
  }

  has(address: string | undefined): boolean {
    const parsed = parse(address);
    if (!parsed) return false;
    return this.blocks.some(([block, bits]) => block.kind() === parsed.kind() && parsed.match(block, bits));
  }
}

function parse(address: string | undefined): ipaddr.IPv4 | ipaddr.IPv6 | undefined {
  const bare = address?.replace(/%.*$/, '') ?? '';
  return ipaddr.isValid(bare) ? ipaddr.process(bare) : undefined;
}
