import { parentPort, workerData } from 'node:worker_threads';
import { io, type Socket } from 'socket.io-client';
import type { ClientToServerEvents, ServerToClientEvents } from '../../../shared/contracts/realtime.ts';
import type { CrowdOrder } from './crowd.ts';

const { url, token, sockets, rooms } = workerData as CrowdOrder;
let patches = 0;

function open(): Promise<void> {
  const socket: Socket<ServerToClientEvents, ClientToServerEvents> = io(url, {
    transports: ['websocket'],
    auth: { token },
    forceNew: true,
  });
  socket.on('patches', (batch) => {
    patches += batch.length;
    socket.emit('applied');
  });
  const joined = rooms.map(
    (room) =>
      new Promise<void>((resolve, reject) => {
        socket.emit('join', { room }, (answer) => {
          if (answer.ok) resolve();
          else reject(new Error(`${room}: ${answer.message}`));
        });
      }),
  );
  return Promise.all(joined).then(() => undefined);
}

await Promise.all(Array.from({ length: sockets }, open));
parentPort?.postMessage('joined');
parentPort?.on('message', () => parentPort?.postMessage(patches));
