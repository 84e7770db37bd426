import { unpackFrames } from '../../src/shared/contracts/frame-runs.ts';
import type { JoinReply, RoomPatch, RoomPlace, RoomSnapshot } from '../../src/shared/contracts/realtime.ts';
import type { FarmSocket } from './gateway.ts';

/** A page as far as the socket goes: joins a room and collects what comes. */
export class RoomWatcher {
  readonly socket: FarmSocket;
  readonly patches: RoomPatch[] = [];
  /** While true, batches are not acknowledged. */
  slow = false;
  batches = 0;

  constructor(socket: FarmSocket) {
    this.socket = socket;
    socket.on('patches', (patches) => {
      this.batches++;
      this.patches.push(...patches);
      if (!this.slow) socket.emit('applied');
    });
  }

  ask(room: unknown, since?: RoomPlace): Promise<JoinReply> {
    const request = { room: room as string, ...(since && { since }) };
    return new Promise((resolve) => this.socket.emit('join', request, resolve));
  }

  async join(room: string): Promise<RoomSnapshot> {
    const answer = await this.ask(room);
    if (!answer.ok) throw new Error(`${answer.code}: ${answer.message}`);
    if ('resumed' in answer) throw new Error('resumed without having asked for it');
    return answer.snapshot;
  }

  speedUp(): void {
    this.slow = false;
    this.socket.emit('applied');
  }

  frames(): Map<number, string> {
    return new Map(
      this.patches
        .flatMap((patch) => unpackFrames(patch.frames ?? []))
        .map((frame) => [frame.number, frame.state]),
    );
  }
}
