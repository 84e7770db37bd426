import { networkInterfaces } from 'node:os';
import { isIP } from 'node:net';
import { isWildcard } from '../shared/config/addresses.ts';
import { FarmError } from '../shared/domain/errors.ts';

export interface FarmAddress {
  /** What servers bind to. */
  host: string;
  /** What others, and this machine's own processes, connect to. */
  advertised: string;
  /** Whether only this machine can connect. */
  isLoopback: boolean;
}

/**
 * Checks `--host`. Every address of the machine (`0.0.0.0`) is advertised as its first one that others can reach.
 * @throws FarmError `invalid` when it is no IP address, or when the machine has none that others can reach.
 */
export function farmAddress(host = '127.0.0.1', interfaces = networkInterfaces()): FarmAddress {
  if (isIP(host) === 0)
    throw new FarmError(
      'invalid',
      `--host ${JSON.stringify(host)} is not an IP address of this machine such as 192.168.1.5, and not 0.0.0.0.`,
    );
  const isLoopback = host.startsWith('127.') || host === '::1';
  if (!isWildcard(host)) return { host, advertised: host, isLoopback };
  const family = host === '::' ? 'IPv6' : 'IPv4';
  const reachable = Object.values(interfaces)
    .flatMap((entries) => entries ?? [])
    .find((entry) => !entry.internal && entry.family === family && !entry.address.startsWith('fe80:'));
  if (reachable === undefined)
    throw new FarmError('invalid', `This machine has no ${family} address that others can reach.`);
  return { host, advertised: reachable.address, isLoopback: false };
}
