import type { IncomingHttpHeaders } from 'node:http';
import { HttpError } from '../http/problems.ts';
import { BadTokenLimiter } from './bad-token-limiter.ts';
import { checkCredentials, cookieNameFor, type CallerKind } from './credentials.ts';
import type { FarmToken } from './farm-token.ts';
import { isForeign, isOwnPage, type HostRules } from './host-rules.ts';

const SAFE_METHODS: readonly string[] = ['GET', 'HEAD', 'OPTIONS'];

/** Who may ask what: the one place that requests and sockets go through. */
export class Access {
  readonly cookieName: string;
  readonly #token: FarmToken;
  readonly #hosts: HostRules;
  readonly #limiter = new BadTokenLimiter();

  constructor(token: FarmToken, hosts: HostRules, port: number) {
    this.cookieName = cookieNameFor(port);
    this.#token = token;
    this.#hosts = hosts;
  }

  /** @throws HttpError 421 when the request names a host that is not this gateway. */
  assertHost(headers: IncomingHttpHeaders): void {
    if (this.#hosts.allows(headers.host)) return;
    throw new HttpError(
      421,
      'refused',
      'The farm does not answer under this host name. Names other than the address it listens on are to be listed ' +
        'in FARMHAND_ALLOWED_HOSTS.',
    );
  }

  /**
   * @param method the HTTP method; a socket's handshake counts as unsafe, since what it opens can do all.
   * @throws HttpError 401 without valid credentials, 429 after many wrong ones, 403 when another site's page asks
   *   with our cookie.
   */
  authenticate(headers: IncomingHttpHeaders, address: string, method: string): CallerKind {
    const { kind } = checkCredentials(headers, this.#token, this.cookieName);
    if (kind === 'missing') {
      throw new HttpError(
        401,
        'unauthorized',
        "This needs the farm's token: send `Authorization: Bearer …`, or open the page at the address that `./farmhand status` prints.",
      );
    }
    if (kind === 'wrong') throw this.#wrongToken(address);
    if (kind === 'page' && (SAFE_METHODS.includes(method) ? isForeign(headers) : !isOwnPage(headers))) {
      throw new HttpError(403, 'refused', 'Only the farm’s own page may use its cookie; another site asked.');
    }
    return kind;
  }

  /**
   * @returns the cookie's value for the right token.
   * @throws HttpError 401, 403, 429
   */
  openSession(headers: IncomingHttpHeaders, address: string, token: string): string {
    if (isForeign(headers)) throw new HttpError(403, 'refused', 'Another site asked to open a session here.');
    if (!this.#token.matches(token)) throw this.#wrongToken(address);
    return this.#token.cookieValue;
  }

  /** For programs that show the token when they open a socket. @throws HttpError 401, 429 */
  assertToken(token: string, address: string): void {
    if (!this.#token.matches(token)) throw this.#wrongToken(address);
  }

  #wrongToken(address: string): HttpError {
    const waitSeconds = this.#limiter.wrongToken(address);
    if (waitSeconds === 0)
      return new HttpError(401, 'unauthorized', 'This token or session is not valid for this farm.');
    return new HttpError(
      429,
      'refused',
      `Too many wrong tokens came from this address; wait ${waitSeconds} seconds.`,
      { 'Retry-After': String(waitSeconds) },
    );
  }
}
