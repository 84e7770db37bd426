import type { z } from 'zod';
import { exchange, notAFarm, parseJson, reached, refusal } from './exchange.ts';
import { UnreachableError } from './exit-codes.ts';

/** Query parameters; those that are undefined are left out. */
export type Query = Readonly<Record<string, string | number | undefined>>;

interface RequestOptions<T> {
  schema: z.ZodType<T>;
  query?: Query;
  /** JSON, or bytes that are sent as they are. */
  body?: unknown;
}

/** Requests to a farm's gateway, with its token. */
export class FarmConnection {
  readonly url: string;
  readonly #token: string;
  readonly #signal: AbortSignal;

  /** @param farm origin such as `http://127.0.0.1:7780`, the farm's token, and what ends every request early. */
  constructor(farm: { url: string; token: string; signal?: AbortSignal }) {
    this.url = farm.url.replace(/\/+$/, '');
    this.#token = farm.token;
    this.#signal = farm.signal ?? new AbortController().signal;
  }

  /** The page's address; the token stands in the fragment, which browsers do not send. */
  get dashboard(): string {
    return `${this.url}/#token=${this.#token}`;
  }

  /** A reply that comes piece by piece and has no end, such as server-sent events. */
  async *stream(
    path: readonly string[],
    query: Query,
    headers: Readonly<Record<string, string>>,
  ): AsyncGenerator<Uint8Array> {
    const url = this.#address(`/api/${path.map(segment).join('/')}`, query);
    const response = await reached(url, this.#signal, () =>
      fetch(url, {
        redirect: 'error',
        headers: { ...headers, authorization: `Bearer ${this.#token}` },
        signal: this.#signal,
      }),
    );
    if (response.status >= 400) throw refusal(response.status, parseJson(await response.text()), this.url);
    if (response.body === null) return;
    const pieces = response.body[Symbol.asyncIterator]();
    for (;;) {
      const piece = await reached(url, this.#signal, () => pieces.next());
      if (piece.done === true) return;
      yield piece.value as Uint8Array;
    }
  }

  #address(path: string, query: Query): URL {
    const url = new URL(this.url + path);
    for (const [name, value] of Object.entries(query))
      if (value !== undefined) url.searchParams.set(name, String(value));
    return url;
  }

  protected async request<T>(
    method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE',
    path: string,
    options: RequestOptions<T>,
  ): Promise<T> {
    const url = this.#address(path, options.query ?? {});
    const { status, text } = await this.#exchange(method, url, options.body);
    const value = parseJson(text);
    if (status >= 400) throw refusal(status, value, this.url);
    const parsed = options.schema.safeParse(value);
    if (!parsed.success) throw new UnreachableError(notAFarm(this.url, `${method} ${path}`));
    return parsed.data;
  }

  #exchange(method: string, url: URL, body: unknown): Promise<{ status: number; text: string }> {
    return exchange(url, {
      method,
      redirect: 'error', // the token must not follow anybody elsewhere
      headers: {
        authorization: `Bearer ${this.#token}`,
        accept: 'application/json, application/problem+json',
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: toBody(body) }),
      signal: this.#signal,
    });
  }
}

/** A part of a path, escaped. */
export const segment = (id: string): string => encodeURIComponent(id);

function toBody(body: unknown): string | Uint8Array<ArrayBuffer> {
  return body instanceof Uint8Array ? new Uint8Array(body) : JSON.stringify(body);
}
