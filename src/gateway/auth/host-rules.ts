import { isIP } from 'node:net';
import { isWildcard } from '../../shared/config/addresses.ts';

const HOST_HEADER = /^(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(?::(\d{1,5}))?$/;
const LOOPBACK_NAMES: readonly string[] = ['localhost', '127.0.0.1', '::1'];

/**
 * Which `Host` a request may name. A page of another site whose name was pointed at this machine (DNS rebinding) sends
 * its own name, which is not in the list. Addresses cannot be rebound, so a gateway on all addresses takes each of them.
 */
export class HostRules {
  readonly #boundHost: string;
  readonly #names: ReadonlySet<string>;

  /** @param allowed further `name` (any port) or `name:port` entries. */
  constructor(boundHost: string, allowed: readonly string[]) {
    this.#boundHost = boundHost.toLowerCase();
    this.#names = new Set(allowed.map((name) => name.toLowerCase()));
  }

  allows(hostHeader: string | undefined): boolean {
    const match = HOST_HEADER.exec(hostHeader ?? '');
    if (!match) return false;
    const name = (match[1] ?? '').toLowerCase().replace(/^\[|\]$/g, '');
    if (LOOPBACK_NAMES.includes(name) || name === this.#boundHost) return true;
    if (isWildcard(this.#boundHost) && isIP(name) !== 0) return true;
    return this.#names.has(name) || this.#names.has(`${name}:${match[2] ?? ''}`);
  }
}

/** Comma-separated names as in FARMHAND_ALLOWED_HOSTS. */
export function parseAllowedHosts(text: string): string[] {
  return text
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '');
}

export interface OriginHeaders {
  host?: string | undefined;
  origin?: string | undefined;
  'sec-fetch-site'?: string | string[] | undefined;
}

/** The browser says that a page of another origin asks. Programs that are no browsers send neither header. */
export function isForeign(headers: OriginHeaders): boolean {
  if (headers.origin !== undefined) return !originMatches(headers.origin, headers.host);
  return headers['sec-fetch-site'] === 'cross-site' || headers['sec-fetch-site'] === 'same-site';
}

/** The browser says that our own page asks. */
export function isOwnPage(headers: OriginHeaders): boolean {
  if (headers.origin !== undefined) return originMatches(headers.origin, headers.host);
  return headers['sec-fetch-site'] === 'same-origin';
}

function originMatches(origin: string, host: string | undefined): boolean {
  if (host === undefined || !URL.canParse(origin)) return false;
  const url = new URL(origin);
  if (url.protocol !== 'http:' && url.protocol !== 'https:') return false;
  const asked = `${url.protocol}//${host}`;
  return URL.canParse(asked) && url.host === new URL(asked).host;
}
