import { createHmac, timingSafeEqual } from 'node:crypto';
import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface HeardHook {
  path: string;
  headers: IncomingHttpHeaders;
  body: string;
  /** `webhook-id` */
  id: string;
  event: { type: string; timestamp: string; data: Record<string, unknown> };
}

export interface HookReceiver {
  url: string;
  heard: HeardHook[];
  /** Requests that are answered at this moment, and the most there were at once. */
  open: () => number;
  mostOpen: () => number;
  /** How it answers from now on; default: 204. */
  answer: (how: (response: ServerResponse, hook: HeardHook) => void) => void;
  close: () => Promise<void>;
}

/** Somebody who is told by webhooks, on loopback. */
export async function startHookReceiver(): Promise<HookReceiver> {
  const heard: HeardHook[] = [];
  let open = 0;
  let mostOpen = 0;
  let answer: (response: ServerResponse, hook: HeardHook) => void = (response) => {
    response.writeHead(204).end();
  };
  const server = createServer((request, response) => {
    open++;
    mostOpen = Math.max(mostOpen, open);
    response.on('close', () => open--);
    let body = '';
    request.setEncoding('utf8').on('data', (text: string) => (body += text));
    request.on('end', () => {
      const { headers, url = '' } = request;
      const id = String(headers['webhook-id']);
      const hook = { path: url, headers, body, id, event: JSON.parse(body) as HeardHook['event'] };
      heard.push(hook);
      answer(response, hook);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    heard,
    open: () => open,
    mostOpen: () => mostOpen,
    answer: (how) => {
      answer = how;
    },
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
}

/**
 * Whether a request is signed with a secret, as a receiver finds out by the text of Standard Webhooks: nothing of the farm's
 * own code is used.
 */
export function isSignedWith(hook: HeardHook, secret: string): boolean {
  const { 'webhook-id': id, 'webhook-timestamp': timestamp, 'webhook-signature': signatures } = hook.headers;
  const key = Buffer.from(secret.replace('whsec_', ''), 'base64');
  const expected = createHmac('sha256', key)
    .update(`${String(id)}.${String(timestamp)}.${hook.body}`)
    .digest();
  return String(signatures)
    .split(' ')
    .some((signature) => {
      const [version, value = ''] = signature.split(',');
      const given = Buffer.from(value, 'base64');
      return version === 'v1' && given.length === expected.length && timingSafeEqual(given, expected);
    });
}
