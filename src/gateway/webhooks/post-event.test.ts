import { createServer, type RequestListener, type Server } from 'node:http';
import { createServer as createTlsServer } from 'node:tls';
import { createServer as createTcpServer, type AddressInfo, type Socket } from 'node:net';
import { afterEach, expect, it } from 'vitest';
import { AddressRules } from './address-rules.ts';
import { postEvent, type PostSettings } from './post-event.ts';
import type { Resolve } from './receiver-address.ts';

const cleanUp: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const step of cleanUp.splice(0)) await step();
});

/** A name that leads to loopback, which is allowed; nothing leaves the machine. */
const toLoopback: Resolve = () => Promise.resolve([{ address: '127.0.0.1', family: 4 }]);
const settings: PostSettings = {
  rules: new AddressRules('127.0.0.1'),
  resolve: toLoopback,
  userAgent: 'Farmhand/test',
  timeoutMs: 20_000,
};
const soon = { ...settings, timeoutMs: 500 };

async function listen(answer: RequestListener): Promise<number> {
  return await portOf(createServer(answer));
}

/** A server that speaks bytes of its own. */
async function listenRaw(onConnection: (socket: Socket) => void): Promise<number> {
  const sockets = new Set<Socket>();
  const server = createTcpServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    onConnection(socket);
  });
  cleanUp.push(async () => {
    for (const socket of sockets) socket.destroy();
    await Promise.resolve();
  });
  return await portOf(server);
}

async function portOf(server: Server | ReturnType<typeof createTcpServer>): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  cleanUp.push(
    () =>
      new Promise((resolve) => {
        if ('closeAllConnections' in server) server.closeAllConnections();
        server.close(() => resolve());
      }),
  );
  return (server.address() as AddressInfo).port;
}

const post = (port: number, with_: PostSettings = settings, body = '{}') =>
  postEvent(`http://hooks.example:${port}/a?b=c`, { 'webhook-id': 'evt_1' }, body, with_);

it('sends the body to the checked address, with the name as host', async () => {
  const heard: {
    url?: string | undefined;
    host?: string | undefined;
    body: string;
    type?: string | undefined;
  }[] = [];
  const port = await listen((request, response) => {
    let body = '';
    request.setEncoding('utf8').on('data', (text: string) => (body += text));
    request.on('end', () => {
      const { host, 'content-type': type } = request.headers;
      heard.push({ url: request.url, host, body, type });
      response.writeHead(204).end();
    });
  });
  expect(await post(port, settings, '{"ü":1}')).toMatchObject({ status: 204, error: null, response: '' });
  expect(heard).toEqual([
    { url: '/a?b=c', host: `hooks.example:${port}`, body: '{"ü":1}', type: 'application/json' },
  ]);
});

it('does not follow a redirect', async () => {
  let asked = 0;
  const elsewhere = await listen((_request, response) => {
    asked++;
    response.end();
  });
  const port = await listen((_request, response) => {
    response.writeHead(307, { location: `http://127.0.0.1:${elsewhere}/` }).end('moved');
  });
  const report = await post(port);
  expect(report).toMatchObject({ status: 307, response: 'moved' });
  expect(report.error).toMatch(/redirects are not followed/);
  expect(asked).toBe(0);
});

it('looks the name up at every try, and goes nowhere once it leads inside', async () => {
  let asked = 0;
  const port = await listen((_request, response) => {
    asked++;
    response.end();
  });
  const answers = ['127.0.0.1', '127.0.0.2'];
  const rebinding: Resolve = () => Promise.resolve([{ address: answers.shift() ?? '', family: 4 }]);
  const once = { ...settings, resolve: rebinding };
  expect((await post(port, once)).error).toBeNull();
  expect((await post(port, once)).error).toMatch(/127\.0\.0\.2, which is no public address/);
  expect(asked).toBe(1);
});

it('goes to no address that is stored but no longer allowed', async () => {
  let asked = 0;
  const port = await listen(() => asked++);
  const strict = { ...settings, rules: new AddressRules('') };
  for (const host of ['127.0.0.1', '2130706433', '0177.0.0.1', '[::ffff:127.0.0.1]']) {
    const report = await postEvent(`http://${host}:${port}/`, {}, '{}', strict);
    expect(report.error).toMatch(/no public address/);
  }
  expect(asked).toBe(0);
});

it.each([
  ['a name that is never answered', { ...soon, resolve: () => new Promise<never>(() => undefined) }],
  ['a server that hangs', soon],
])('gives up on %s', async (_what, with_) => {
  const port = await listen(() => undefined);
  expect(await post(port, with_)).toMatchObject({ status: null, error: 'No answer within 0.5 s.' });
});

it('gives up on headers that trickle', async () => {
  const port = await listenRaw((socket) => {
    socket.write('HTTP/1.1 200 OK\r\n');
    const timer = setInterval(() => socket.write('x-a: b\r\n'), 20);
    socket.on('close', () => clearInterval(timer));
  });
  expect(await post(port, soon)).toMatchObject({ status: null, error: 'No answer within 0.5 s.' });
});

it('takes a status whose body trickles, and keeps what came', async () => {
  const port = await listen((_request, response) => {
    response.writeHead(200);
    const timer = setInterval(() => response.write('x'), 20);
    response.on('close', () => clearInterval(timer));
  });
  const report = await post(port, soon);
  expect(report).toMatchObject({ status: 200, error: null });
  expect(report.response).toMatch(/^x+$/);
});

it('reads the first kilobyte of a body without end, in any bytes', async () => {
  const port = await listen((_request, response) => {
    response.writeHead(500);
    const pour = (): void => {
      while (response.write(Buffer.alloc(65_536, 'a\0')));
    };
    response.on('drain', pour);
    pour();
  });
  const report = await post(port);
  expect(report).toMatchObject({ status: 500, error: 'It answered 500.' });
  expect(report.response).toBe('a\ufffd'.repeat(512));
});

it.each([
  ['headers without end', `HTTP/1.1 200 OK\r\nx: ${'a'.repeat(100_000)}\r\n\r\n`],
  ['what is not HTTP', 'SSH-2.0-OpenSSH_9.2\r\n'],
  ['nothing', ''],
  [
    'a change of protocol',
    'HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n',
  ],
])('reports %s', async (_what, bytes) => {
  const port = await listenRaw((socket) => {
    socket.resume();
    socket.end(bytes);
  });
  const report = await post(port);
  expect(report.status).toBeNull();
  expect(report.error).not.toBe('');
});

it('asks a TLS server for the name, and takes no certificate that is not for it', async () => {
  const asked: string[] = [];
  const server = createTlsServer({
    SNICallback: (name, done) => {
      asked.push(name);
      done(new Error('no certificate'));
    },
  });
  server.on('tlsClientError', () => undefined);
  const port = await portOf(server);
  const report = await postEvent(`https://hooks.example:${port}/`, {}, '{}', settings);
  expect(report.status).toBeNull();
  expect(asked).toEqual(['hooks.example']);
});

it('reports a port at which nobody listens', async () => {
  const report = await post(1);
  expect(report.error).toMatch(/ECONNREFUSED/);
});
