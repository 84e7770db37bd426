import { lookup as lookUp } from 'node:dns';
import { isIP, type LookupFunction } from 'node:net';
import { FarmError } from '../../shared/domain/errors.ts';
import { AddressRules } from '../webhooks/address-rules.ts';

const rules = new AddressRules('');

/** The host without the brackets of IPv6. */
export function hostOf(url: URL): string {
  return url.hostname.replace(/^\[|\]$/g, '');
}

/** @param address an IP address */
export function isPublicHost(address: string): boolean {
  return rules.allows(address, address);
}

/**
 * Looks a name up and gives addresses to connect to, each held against the rules at that moment: a name that was public
 * when the target was stored may lead into the farm's network later.
 * @param resolve the system's resolver, unless a test brings its own
 */
export function publicLookup(resolve: LookupFunction = lookUp): LookupFunction {
  return (hostname, options, callback) => {
    resolve(hostname, { ...options, all: true }, (error, found) => {
      if (error) {
        callback(error, []);
        return;
      }
      const addresses = typeof found === 'string' ? [{ address: found, family: isIP(found) }] : found;
      const inside = addresses.find(({ address }) => !isPublicHost(address));
      const [first] = addresses;
      if (inside !== undefined || first === undefined) callback(notPublic(hostname, inside?.address), []);
      else if (options.all === true) callback(null, addresses);
      else callback(null, first.address, first.family);
    });
  };
}

function notPublic(host: string, address: string | undefined): FarmError {
  return new FarmError(
    'refused',
    `${host} ${address === undefined ? 'has no address' : `is ${address}, which is no public address`}. Where this place is meant, the operator stores the target with --allow-private.`,
  );
}
