import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';

export interface Forwarder {
  stop: () => Promise<void>;
}

/**
 * Lets others reach a server that listens on loopback only: connections to `host:port` go to `targetHost:target`,
 * byte for byte. SeaweedFS has ports without credentials that follow the address of its S3 port; this opens only the one.
 * @throws the listen error, e.g. EADDRINUSE.
 */
export async function forwardPort(
  host: string,
  port: number,
  target: number,
  targetHost = '127.0.0.1',
): Promise<Forwarder> {
  const open = new Set<Socket>();
  const keep = (socket: Socket): void => {
    open.add(socket);
    socket.once('close', () => open.delete(socket));
  };
  const server = createServer({ allowHalfOpen: true }, (incoming) => {
    const outgoing = connect({ port: target, host: targetHost, allowHalfOpen: true });
    keep(incoming);
    keep(outgoing);
    // One side that breaks ends both; the client sees a reset connection and tries again.
    incoming.on('error', () => outgoing.destroy());
    outgoing.on('error', () => incoming.destroy());
    incoming.pipe(outgoing).pipe(incoming);
  });
  server.listen(port, host);
  await once(server, 'listening');
  return {
    stop: async () => {
      const closed = once(server, 'close');
      server.close();
      for (const socket of open) socket.destroy();
      await closed;
    },
  };
}
