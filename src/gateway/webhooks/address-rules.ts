import { BlockList, isIP } from 'node:net';
import { FarmError, describeValue } from '../../shared/domain/errors.ts';

/**
 * Addresses of IPv4 that are not on the public internet, from the registries of IANA for special-purpose addresses
 * (iana.org/assignments/iana-ipv4-special-registry), multicast and what is reserved.
 */
const REFUSED_IPV4 = [
  '0.0.0.0/8', // this network
  '10.0.0.0/8', // private
  '100.64.0.0/10', // behind a carrier's NAT
  '127.0.0.0/8', // loopback
  '169.254.0.0/16', // link-local; clouds answer with credentials at 169.254.169.254
  '172.16.0.0/12', // private
  '192.0.0.0/24', // protocol assignments
  '192.0.2.0/24', // documentation
  '192.88.99.0/24', // relays from IPv6
  '192.168.0.0/16', // private
  '198.18.0.0/15', // measuring
  '198.51.100.0/24', // documentation
  '203.0.113.0/24', // documentation
  '224.0.0.0/4', // multicast
  '240.0.0.0/4', // reserved, broadcast
];

/**
 * Of IPv6 only global unicast addresses are public; loopback, link-local, unique local, multicast, IPv4-mapped ones
 * (`::ffff:0:0/96`) and those of NAT64 (`64:ff9b::/96`, `64:ff9b:1::/48`) all lie outside of it.
 */
const PUBLIC_IPV6 = '2000::/3';
const REFUSED_IPV6 = [
  '2001::/23', // protocol assignments, Teredo
  '2001:db8::/32', // documentation
  '2002::/16', // 6to4: an IPv4 address inside
  '3fff::/20', // documentation
];

const refusedIpv4 = listOf(REFUSED_IPV4);
const publicIpv6 = listOf([PUBLIC_IPV6]);
const refusedIpv6 = listOf(REFUSED_IPV6);

function listOf(ranges: readonly string[]): BlockList {
  const list = new BlockList();
  for (const range of ranges) addRange(list, range);
  return list;
}

/** @returns false where it is no address and no range. */
function addRange(list: BlockList, text: string): boolean {
  const [address = '', prefix, ...rest] = text.split('/');
  const version = isIP(address);
  if (version === 0 || rest.length > 0) return false;
  const most = version === 4 ? 32 : 128;
  const bits = prefix === undefined ? most : Number(prefix);
  if ((prefix !== undefined && !/^\d{1,3}$/.test(prefix)) || bits > most) return false;
  list.addSubnet(address, bits, version === 4 ? 'ipv4' : 'ipv6');
  return true;
}

function isPublic(address: string): boolean {
  if (isIP(address) === 4) return !refusedIpv4.check(address, 'ipv4');
  if (isIP(address) !== 6) return false;
  return publicIpv6.check(address, 'ipv6') && !refusedIpv6.check(address, 'ipv6');
}

const HOST_NAME =
  /^(?=.{1,253}$)[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?(?:\.[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?)*$/;

/** Where webhooks may lead: to public addresses, and to what the operator allows. */
export class AddressRules {
  readonly #allowed = new BlockList();
  readonly #hosts = new Set<string>();

  /**
   * @param allowed as in FARMHAND_WEBHOOK_ALLOW: addresses, ranges (`10.1.0.0/16`) and host names, with commas between.
   * @throws FarmError `invalid` that names the entry.
   */
  constructor(allowed: string) {
    for (const entry of allowed.split(',').map((text) => text.trim().toLowerCase())) {
      if (entry === '' || addRange(this.#allowed, entry)) continue;
      if (!HOST_NAME.test(entry) || /^[\d.]+$/.test(entry)) {
        throw new FarmError(
          'invalid',
          `FARMHAND_WEBHOOK_ALLOW names ${describeValue(entry)}; expected an address, a range such as 10.1.0.0/16 or a host name.`,
        );
      }
      this.#hosts.add(entry);
    }
  }

  /** @param host the name in the URL that led to the address. */
  allows(address: string, host: string): boolean {
    const version = isIP(address);
    if (version === 0) return false;
    if (this.#hosts.has(host.toLowerCase())) return true;
    return this.#allowed.check(address, version === 4 ? 'ipv4' : 'ipv6') || isPublic(address);
  }
}
