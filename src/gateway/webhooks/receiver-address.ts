import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import { FarmError, InvalidInputError, describeValue, messageOf } from '../../shared/domain/errors.ts';
import type { AddressRules } from './address-rules.ts';

export interface ResolvedAddress {
  address: string;
  family: number;
}
/** All addresses of a host name, as the system's resolver gives them. */
export type Resolve = (host: string) => Promise<readonly ResolvedAddress[]>;

export const resolveBySystem: Resolve = (host) => lookup(host, { all: true });

const refused = (host: string, address: string): FarmError =>
  new FarmError(
    'refused',
    `${host === address ? host : `${host} is ${address}, which`} is no public address, and webhooks do not go there. The farm's operator can allow it with FARMHAND_WEBHOOK_ALLOW.`,
  );

/**
 * A receiver's URL in the one way in which it is understood everywhere: `http://2130706433` and `http://0x7f.1` are
 * `http://127.0.0.1`.
 * @throws InvalidInputError for what is no http(s) URL or brings a user, FarmError `refused` for an address that is not
 *   public. Names are looked up when something is delivered.
 */
export function receiverUrl(text: string, rules: AddressRules): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const expected =
    url === undefined || (url.protocol !== 'https:' && url.protocol !== 'http:')
      ? 'an https or http URL'
      : url.username !== '' || url.password !== ''
        ? 'a URL without user and password: bodies are signed instead'
        : undefined;
  if (url === undefined || expected !== undefined) {
    const value = url === undefined ? describeValue(text) : `a URL of ${url.protocol}//`;
    throw new InvalidInputError('The webhook', [{ path: 'url', value, expected: expected ?? '' }]);
  }
  url.hash = '';
  const host = hostOf(url);
  if (isIP(host) !== 0 && !rules.allows(host, host)) throw refused(host, host);
  return url;
}

/** The host without the brackets of IPv6 and without the dot of a full name. */
export function hostOf(url: URL): string {
  return url.hostname.replace(/^\[|\]$/g, '').replace(/\.$/, '');
}

/**
 * Looks a receiver's name up and holds every address against the rules: one that is not allowed refuses all, since
 * whoever owns the name decides which comes first. Connect to no other than these.
 * @throws FarmError `refused`, or `unavailable` where the name has no address.
 */
export async function checkedAddresses(
  host: string,
  rules: AddressRules,
  resolve: Resolve,
): Promise<readonly ResolvedAddress[]> {
  const family = isIP(host);
  const addresses = family === 0 ? await resolved(host, resolve) : [{ address: host, family }];
  for (const { address } of addresses) if (!rules.allows(address, host)) throw refused(host, address);
  return addresses;
}

async function resolved(host: string, resolve: Resolve): Promise<readonly ResolvedAddress[]> {
  let addresses: readonly ResolvedAddress[];
  try {
    addresses = await resolve(host);
  } catch (error) {
    throw new FarmError('unavailable', `The name ${host} cannot be looked up: ${messageOf(error)}.`, {
      cause: error,
    });
  }
  if (addresses.length === 0) throw new FarmError('unavailable', `The name ${host} has no address.`);
  return addresses;
}
