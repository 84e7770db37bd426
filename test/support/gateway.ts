import { randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { io, type Socket } from 'socket.io-client';
import { startGateway } from '../../src/gateway/gateway.ts';
import { gatewayEnvironment, readEnvironment } from '../../src/shared/config/environment.ts';
import type { ClientToServerEvents, ServerToClientEvents } from '../../src/shared/contracts/realtime.ts';
import { Lifecycle } from '../../src/shared/lifecycle/lifecycle.ts';
import type { TestContext } from './farm-context.ts';

export type FarmSocket = Socket<ServerToClientEvents, ClientToServerEvents>;

export interface TestGateway {
  url: string;
  port: number;
  token: string;
  /** A request with the farm's token. */
  fetch: (path: string, init?: RequestInit) => Promise<Response>;
  /** The answer's JSON; fails the test on another status. */
  json: <T = Record<string, unknown>>(path: string, status?: number, init?: RequestInit) => Promise<T>;
  post: <T = Record<string, unknown>>(path: string, status: number, body?: unknown) => Promise<T>;
  /** A connected socket with the farm's token; closed by `stop`. */
  connect: () => Promise<FarmSocket>;
  stop: () => Promise<void>;
}

/** A real gateway on a free port, in this process. */
export async function startTestGateway(
  context: TestContext,
  environment: Record<string, string> = {},
): Promise<TestGateway> {
  const token = randomBytes(32).toString('hex');
  const tokenFile = join(context.folder, `token-${randomBytes(4).toString('hex')}`);
  await writeFile(tokenFile, `${token}\n`, { mode: 0o600 });
  const lifecycle = new Lifecycle(context.log);
  const { url, port } = await startGateway(
    readEnvironment(gatewayEnvironment, {
      ...context.environmentOf('gateway'),
      FARMHAND_GATEWAY_PORT: '0',
      FARMHAND_TOKEN_FILE: tokenFile,
      ...environment,
    }),
    lifecycle,
    context.log,
  );
  const sockets: FarmSocket[] = [];
  const send: TestGateway['fetch'] = (path, init = {}) => {
    const headers = new Headers(init.headers);
    headers.set('authorization', `Bearer ${token}`);
    return fetch(`${url}${path}`, { redirect: 'manual', ...init, headers });
  };
  const json = async <T>(path: string, status = 200, init?: RequestInit): Promise<T> => {
    const response = await send(path, init);
    const text = await response.text();
    if (response.status !== status)
      throw new Error(`${path} answered ${response.status}, not ${status}: ${text.slice(0, 2_000)}`);
    return JSON.parse(text) as T;
  };
  return {
    url,
    port,
    token,
    fetch: send,
    json,
    post: (path, status, body) =>
      json(path, status, {
        method: 'POST',
        body: body === undefined ? '' : typeof body === 'string' ? body : JSON.stringify(body),
      }),
    connect: async () => {
      const socket: FarmSocket = io(url, {
        transports: ['websocket'],
        auth: { token },
        reconnection: false,
        forceNew: true,
      });
      sockets.push(socket);
      await new Promise<void>((resolve, reject) => {
        socket.once('connect', resolve);
        socket.once('connect_error', reject);
      });
      return socket;
    },
    stop: async () => {
      for (const socket of sockets) socket.close();
      await lifecycle.stop();
    },
  };
}
