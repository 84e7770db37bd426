import { forwardPort } from '../../src/local/forward-port.ts';

/** Forwards `S3_DOOR_PORT` on every address of this container to `S3_DOOR_TARGET` (`host:port`), byte for byte. */
const target = /^([a-z0-9.-]+):(\d{1,5})$/.exec(process.env['S3_DOOR_TARGET'] ?? '');
const port = Number(process.env['S3_DOOR_PORT']);
if (target?.[1] === undefined || !Number.isInteger(port) || port < 1) {
  console.error('S3_DOOR_TARGET must be host:port and S3_DOOR_PORT a port number.');
  process.exit(2);
}
const forwarder = await forwardPort('0.0.0.0', port, Number(target[2]), target[1]);
console.log(`port ${port} leads to ${target[0]}`);
for (const signal of ['SIGTERM', 'SIGINT'] as const)
  process.once(signal, () => void forwarder.stop().then(() => process.exit(0)));
