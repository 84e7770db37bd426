import { request as requestHttp, type IncomingMessage } from 'node:http';
import { request as requestHttps, type RequestOptions } from 'node:https';
import type { LookupFunction } from 'node:net';
import type { TryReport } from '../../shared/contracts/webhook-api.ts';
import { messageOf } from '../../shared/domain/errors.ts';
import { storableText } from '../../shared/domain/text.ts';
import type { AddressRules } from './address-rules.ts';
import {
  checkedAddresses,
  hostOf,
  receiverUrl,
  type Resolve,
  type ResolvedAddress,
} from './receiver-address.ts';

/** For the name, the connection, the headers and what is read of the body together. */
export const TRY_TIMEOUT_MS = 15_000;
const MAX_HEADER_BYTES = 16_384;
const MOST_READ_BYTES = 1_024;

export interface PostSettings {
  rules: AddressRules;
  resolve: Resolve;
  userAgent: string;
  timeoutMs?: number;
}

type Outcome = Omit<TryReport, 'at' | 'seconds'>;

/**
 * Sends one event to one receiver: the name is looked up anew, every address is checked, and the connection goes to a
 * checked one. Redirects are answers like others. Never throws: what went wrong is in the report.
 * @param url as it is stored
 */
export async function postEvent(
  url: string,
  headers: Readonly<Record<string, string>>,
  body: string,
  settings: PostSettings,
): Promise<Outcome & { seconds: number }> {
  const began = performance.now();
  const timeoutMs = settings.timeoutMs ?? TRY_TIMEOUT_MS;
  const deadline = AbortSignal.timeout(timeoutMs);
  let outcome: Outcome;
  try {
    const target = receiverUrl(url, settings.rules);
    const looking = checkedAddresses(hostOf(target), settings.rules, settings.resolve);
    const addresses = await Promise.race([looking, rejectedBy(deadline)]);
    outcome = await exchange(
      target,
      addresses,
      { ...headers, 'user-agent': settings.userAgent },
      body,
      deadline,
    );
  } catch (error) {
    const text = deadline.aborted ? `No answer within ${timeoutMs / 1_000} s.` : messageOf(error);
    outcome = { status: null, error: storableText(text, 500), response: '' };
  }
  return { ...outcome, seconds: Math.round(performance.now() - began) / 1_000 };
}

function rejectedBy(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    if (signal.aborted) reject(signal.reason as Error);
    signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
  });
}

async function exchange(
  url: URL,
  addresses: readonly ResolvedAddress[],
  headers: Readonly<Record<string, string>>,
  body: string,
  signal: AbortSignal,
): Promise<Outcome> {
  const options: RequestOptions = {
    method: 'POST',
    headers: {
      ...headers,
      'content-type': 'application/json',
      'content-length': Buffer.byteLength(body),
    },
    agent: false, // no connection is kept: the next one is checked anew
    lookup: pinnedTo(addresses),
    maxHeaderSize: MAX_HEADER_BYTES,
    signal,
  };
  const answer = new Promise<IncomingMessage>((resolve, reject) => {
    const request = url.protocol === 'https:' ? requestHttps(url, options) : requestHttp(url, options);
    request.on('response', resolve);
    request.on('error', reject);
    // All that comes of `101 Switching Protocols`, which nobody asked for.
    request.on('close', () =>
      reject(new Error('The connection was closed without an answer to the request.')),
    );
    request.end(body);
  });
  const response = await Promise.race([answer, rejectedBy(signal)]);
  const status = response.statusCode ?? 0;
  const text = await firstBytes(response);
  return { status, error: errorOf(status), response: text };
}

/** A `lookup` that knows only what was checked: a name that changes meanwhile (DNS rebinding) leads nowhere else. */
function pinnedTo(addresses: readonly ResolvedAddress[]): LookupFunction {
  return (_host, options, callback) => {
    const [first] = addresses;
    if (options.all === true) callback(null, [...addresses]);
    else callback(null, first?.address ?? '', first?.family);
  };
}

/** The status has come, so that a body that breaks off or trickles changes nothing: as much as came is kept. */
async function firstBytes(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  try {
    for await (const chunk of response as AsyncIterable<Buffer>) {
      chunks.push(chunk);
      bytes += chunk.byteLength;
      if (bytes >= MOST_READ_BYTES) break;
    }
  } catch (error) {
    if (bytes === 0) return `(the body could not be read: ${storableText(messageOf(error), 200)})`;
  } finally {
    response.destroy();
  }
  return storableText(Buffer.concat(chunks).subarray(0, MOST_READ_BYTES).toString('utf8'));
}

function errorOf(status: number): string | null {
  if (status >= 200 && status <= 299) return null;
  if (status >= 300 && status <= 399)
    return `It answered ${status}; redirects are not followed, so the webhook needs the address itself.`;
  return `It answered ${status}.`;
}
