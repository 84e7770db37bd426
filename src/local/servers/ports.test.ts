import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type AddressInfo, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { PortBook } from './ports.ts';

let folder: string;
let file: string;
const servers: Server[] = [];
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'farmhand-ports-'));
  file = join(folder, 'ports.json');
});
afterEach(async () => {
  for (const server of servers.splice(0)) server.close();
  await rm(folder, { recursive: true });
});

async function occupy(port = 0): Promise<number> {
  const server = createServer().listen(port, '127.0.0.1');
  servers.push(server);
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

test('a port stays the same over restarts while it is free', async () => {
  const port = await new PortBook(file).take('nats');
  expect(await new PortBook(file).take('nats')).toBe(port);
});

test('a remembered port that somebody else took is replaced', async () => {
  const port = await new PortBook(file).take('nats');
  await occupy(port);
  expect(await new PortBook(file).take('nats')).not.toBe(port);
});

test('a server that is started again keeps its port, although the old one may still hold it', async () => {
  const book = new PortBook(file);
  const port = await book.take('nats');
  await occupy(port);
  expect(await book.take('nats')).toBe(port);
});

test('a preferred port is taken when it is free', async () => {
  const port = await new PortBook().take('probe');
  expect(await new PortBook().take('gateway', '127.0.0.1', { preferred: port })).toBe(port);
  await occupy(port);
  expect(await new PortBook().take('gateway', '127.0.0.1', { preferred: port })).not.toBe(port);
});

test('a port that was asked for and is in use is refused with the flag to change', async () => {
  const port = await occupy();
  await expect(new PortBook().takeExactly('gateway', port, '127.0.0.1')).rejects.toThrow(
    `Port ${port} on 127.0.0.1 is in use; give another one with --port.`,
  );
});

test('an address that this machine does not have is named', async () => {
  await expect(new PortBook().take('gateway', '203.0.113.7')).rejects.toThrow('cannot listen on 203.0.113.7');
});

test('a first start that loses its port to somebody is tried with another one, a restart is not', async () => {
  const book = new PortBook();
  const tried: number[] = [];
  const start = async (): Promise<number> => {
    const port = await book.take('nats');
    tried.push(port);
    if (tried.length !== 2) throw new Error('listen: address already in use');
    return port;
  };
  await book.startWithFreePorts('nats', start);
  await expect(book.startWithFreePorts('nats', start)).rejects.toThrow('address already in use');
  expect(tried).toHaveLength(3);
  expect(tried[2]).toBe(tried[1]);
});
