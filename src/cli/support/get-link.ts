import { Agent as HttpAgent, request as httpRequest, type IncomingMessage } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';

const IDLE_TIMEOUT_MS = 60_000;
const http = new HttpAgent({ keepAlive: true });
const https = new HttpsAgent({ keepAlive: true });

/**
 * Asks a link of the storage for its bytes. Node's own client: of a thousand files it costs half of what `fetch` does.
 * @param from the first byte that is wanted
 * @returns the answer, whatever its status; its body has to be read or destroyed
 */
export function getLink(url: string, from: number, signal: AbortSignal): Promise<IncomingMessage> {
  const secure = url.startsWith('https:');
  const headers = from === 0 ? {} : { range: `bytes=${from}-` };
  return new Promise((resolve, reject) => {
    const options = { headers, signal, agent: secure ? https : http, timeout: IDLE_TIMEOUT_MS };
    const request = secure ? httpsRequest(url, options, resolve) : httpRequest(url, options, resolve);
    request.on('error', reject);
    request.on('timeout', () => request.destroy(new Error(`no answer within ${IDLE_TIMEOUT_MS / 1_000} s`)));
    request.end();
  });
}
