import type { IncomingHttpHeaders } from 'node:http';
import type { FarmToken } from './farm-token.ts';

/** How a caller showed who it is: the page by its cookie, programs by the token. */
export type CallerKind = 'page' | 'api';

export type Credentials =
  | { kind: CallerKind }
  /** `missing`: nothing was shown. `wrong`: something was, and it is not this farm's. */
  | { kind: 'missing' | 'wrong' };

/** Looks at `Authorization: Bearer` first, then at the cookie. */
export function checkCredentials(
  headers: Pick<IncomingHttpHeaders, 'authorization' | 'cookie'>,
  token: FarmToken,
  cookieName: string,
): Credentials {
  if (headers.authorization !== undefined) {
    const bearer = /^Bearer +(\S+) *$/i.exec(headers.authorization)?.[1];
    return { kind: bearer !== undefined && token.matches(bearer) ? 'api' : 'wrong' };
  }
  const cookie = cookieValue(headers.cookie, cookieName);
  if (cookie === undefined) return { kind: 'missing' };
  return { kind: token.matchesCookie(cookie) ? 'page' : 'wrong' };
}

export function cookieValue(header: string | undefined, name: string): string | undefined {
  for (const part of header?.split(';') ?? []) {
    const at = part.indexOf('=');
    if (at > 0 && part.slice(0, at).trim() === name) return part.slice(at + 1).trim();
  }
  return undefined;
}

/**
 * Cookies are shared by all ports of a host, so that the name carries the gateway's port: two farms on one machine keep
 * their sessions apart.
 */
export function cookieNameFor(port: number): string {
  return `farmhand_${port}`;
}
