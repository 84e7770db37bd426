import { io, type Socket } from 'socket.io-client';
import type {
  ClientToServerEvents,
  JoinReply,
  RoomPatch,
  RoomSnapshot,
  ServerToClientEvents,
} from '../../../src/shared/contracts/realtime.ts';
import { judgePatch, type RoomCursor } from './room-cursor.ts';

/** What a view does with its room's news. */
export interface RoomHandlers {
  /** The whole truth: forget what was known. */
  snapshot: (snapshot: RoomSnapshot) => void;
  patch: (patch: RoomPatch) => void;
  /** The farm refuses this room (no such job …). */
  refused: (code: string, message: string) => void;
}

export interface LinkFacts {
  connected: boolean;
  joining: number;
  provenAtMs: number | null;
}

interface Room {
  name: string;
  handlers: Set<RoomHandlers>;
  cursor: RoomCursor | null;
  /** Raised with each join, so that a late answer to an older one is ignored. */
  joinTry: number;
}

const PROBE_MS = 4_000;
const JOIN_TIMEOUT_MS = 10_000;
const REJOIN_DELAY_MS = 1_000;

/**
 * The one connection to the farm's news. Views enter rooms; this class joins them, keeps the sequence, joins again after a
 * gap or a reconnect, and asks for a sign of life so that "live" is never said without proof.
 */
export class FarmSocket {
  readonly #socket: Socket<ServerToClientEvents, ClientToServerEvents>;
  readonly #rooms = new Map<string, Room>();
  readonly #onFacts: (facts: LinkFacts) => void;
  readonly #onRefused: () => void;
  readonly #joining = new Set<string>();
  #provenAtMs: number | null = null;
  #probe: ReturnType<typeof setInterval> | undefined;

  /** `onFacts` hears every change of the link; `onRefused` that the farm wants a sign-in. */
  constructor(onFacts: (facts: LinkFacts) => void, onRefused: () => void) {
    this.#onFacts = onFacts;
    this.#onRefused = onRefused;
    this.#socket = io({
      autoConnect: false,
      transports: ['websocket', 'polling'],
      tryAllTransports: true,
      reconnectionDelayMax: 5_000,
    });
    this.#socket.on('connect', () => this.#connected());
    this.#socket.on('disconnect', () => this.#disconnected());
    this.#socket.on('connect_error', () => this.#connectError());
    this.#socket.on('patches', (patches, done) => this.#receive(patches, done));
  }

  open(): void {
    this.#socket.connect();
    this.#probe ??= setInterval(() => this.#prove(), PROBE_MS);
  }

  close(): void {
    clearInterval(this.#probe);
    this.#probe = undefined;
    this.#provenAtMs = null;
    this.#socket.disconnect();
  }

  /** Hidden tabs hear once a second only. */
  setHidden(hidden: boolean): void {
    if (this.#socket.connected) this.#socket.emit('visibility', { hidden });
    if (!hidden) this.#prove();
  }

  /** Enters a room. Returns the function that leaves it. */
  enter(name: string, handlers: RoomHandlers): () => void {
    const room = this.#rooms.get(name) ?? { name, handlers: new Set(), cursor: null, joinTry: 0 };
    room.handlers.add(handlers);
    this.#rooms.set(name, room);
    // A second view of the same room needs the whole truth too: joining again is the simplest way to get it.
    if (this.#socket.connected) void this.#join(room);
    return () => this.#leave(room, handlers);
  }

  #leave(room: Room, handlers: RoomHandlers): void {
    room.handlers.delete(handlers);
    if (room.handlers.size > 0 || this.#rooms.get(room.name) !== room) return;
    this.#rooms.delete(room.name);
    this.#joining.delete(room.name);
    if (this.#socket.connected) this.#socket.emit('leave', { room: room.name });
    this.#tell();
  }

  async #join(room: Room): Promise<void> {
    const joinTry = ++room.joinTry;
    room.cursor = null;
    this.#joining.add(room.name);
    this.#tell();
    const answer = await this.#askToJoin(room.name);
    if (joinTry !== room.joinTry || !this.#rooms.has(room.name)) return;
    if (answer === undefined) {
      // No answer in time. While connected, ask again; otherwise the reconnect does.
      setTimeout(() => {
        if (joinTry === room.joinTry && this.#socket.connected) void this.#join(room);
      }, REJOIN_DELAY_MS);
      return;
    }
    this.#joining.delete(room.name);
    if (answer.ok) {
      room.cursor = { epoch: answer.snapshot.epoch, seq: answer.snapshot.seq };
      this.#provenAtMs = Date.now();
      for (const handlers of room.handlers) handlers.snapshot(answer.snapshot);
    } else {
      for (const handlers of room.handlers) handlers.refused(answer.code, answer.message);
    }
    this.#tell();
  }

  async #askToJoin(room: string): Promise<JoinReply | undefined> {
    try {
      return (await this.#socket
        .timeout(JOIN_TIMEOUT_MS)
        .emitWithAck('join', { room, hidden: document.hidden })) as JoinReply;
    } catch {
      return undefined; // Timed out or disconnected: the caller decides.
    }
  }

  #receive(patches: RoomPatch[], done: () => void): void {
    this.#provenAtMs = Date.now();
    for (const patch of patches) {
      const room = this.#rooms.get(patch.room);
      // Before the join has answered, patches are older than or part of the snapshot to come, or make a gap after it.
      if (!room?.cursor) continue;
      const verdict = judgePatch(room.cursor, patch);
      if (verdict === 'rejoin') void this.#join(room);
      if (verdict !== 'apply') continue;
      room.cursor.seq = patch.seq;
      for (const handlers of room.handlers) handlers.patch(patch);
    }
    done();
    this.#tell();
  }

  #prove(): void {
    if (!this.#socket.connected) {
      this.#tell();
      return;
    }
    this.#socket.timeout(PROBE_MS).emit('probe', (error: Error | null, answer?: { live: boolean }) => {
      if (error === null && answer?.live === true) this.#provenAtMs = Date.now();
      this.#tell();
    });
  }

  #connected(): void {
    if (document.hidden) this.#socket.emit('visibility', { hidden: true });
    for (const room of this.#rooms.values()) void this.#join(room);
    this.#prove();
  }

  #disconnected(): void {
    for (const room of this.#rooms.values()) room.joinTry++;
    this.#joining.clear();
    this.#tell();
  }

  #connectError(): void {
    this.#tell();
    if (this.#socket.active) return; // Socket.IO goes on trying by itself.
    // The gateway refused this session. Whoever owns the session finds out whether it still holds.
    this.#onRefused();
    setTimeout(() => {
      if (this.#probe !== undefined && !this.#socket.connected) this.#socket.connect();
    }, REJOIN_DELAY_MS);
  }

  #tell(): void {
    this.#onFacts({
      connected: this.#socket.connected,
      joining: this.#joining.size,
      provenAtMs: this.#provenAtMs,
    });
  }
}
