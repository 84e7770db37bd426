import { io, type Socket } from 'socket.io-client';
import type {
  ClientToServerEvents,
  JoinReply,
  RoomPatch,
  RoomPlace,
  RoomSnapshot,
  ServerToClientEvents,
} from '../../../src/shared/contracts/realtime.ts';
import { unpackFrames } from '../../../src/shared/contracts/frame-runs.ts';
import type { FrameChange } from '../../../src/shared/contracts/messages.ts';
import { learnFarmTime } from '../common/farm-time.ts';
import { onceAFrame } from './frame-flush.ts';
import { timeNow, type Proof } from './proof.ts';
import { judgePatch } from './room-cursor.ts';

/** A patch as views get it: frames one by one. */
export type RoomNews = Omit<RoomPatch, 'frames'> & { frames?: FrameChange[] };

/** What a view does with its room's news. */
export interface RoomHandlers {
  /** The whole truth: forget what was known. */
  snapshot: (snapshot: RoomSnapshot) => void;
  patch: (patch: RoomNews) => void;
  /** The farm refuses this room (no such job …). */
  refused: (code: string, message: string) => void;
}

export interface LinkFacts {
  connected: boolean;
  joining: number;
  proof: Proof | null;
}

interface Room {
  name: string;
  handlers: Set<RoomHandlers>;
  /** What is here holds everything up to this; null: nothing is here, or it cannot be trusted. */
  place: RoomPlace | null;
  /** The join has been answered: patches go on from `place`. */
  joined: boolean;
  joinedAtMs: number;
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
  readonly #painted = onceAFrame(() => this.#socket.emit('applied'));
  #proof: Proof | null = null;
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
    this.#socket.on('patches', (patches) => this.#receive(patches));
  }

  open(): void {
    this.#socket.connect();
    this.#probe ??= setInterval(() => this.#prove(), PROBE_MS);
  }

  close(): void {
    clearInterval(this.#probe);
    this.#probe = undefined;
    this.#proof = null;
    this.#socket.disconnect();
  }

  /** Hidden tabs hear once a second only. */
  setHidden(hidden: boolean): void {
    if (this.#socket.connected) this.#socket.emit('visibility', { hidden });
    if (!hidden) this.#prove();
  }

  /** Enters a room. Returns the function that leaves it. */
  enter(name: string, handlers: RoomHandlers): () => void {
    const room = this.#rooms.get(name) ?? newRoom(name);
    room.handlers.add(handlers);
    this.#rooms.set(name, room);
    // A second view of the same room needs the whole truth too: joining again is the simplest way to get it.
    room.place = null;
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
    room.joined = false;
    this.#joining.add(room.name);
    this.#tell();
    const answer = await this.#askToJoin(room);
    if (joinTry !== room.joinTry || !this.#rooms.has(room.name)) return;
    if (answer === undefined) {
      // No answer in time. While connected, ask again; otherwise the reconnect does.
      this.#joinLater(room, REJOIN_DELAY_MS);
      return;
    }
    this.#joining.delete(room.name);
    room.joinedAtMs = performance.now();
    if (answer.ok) this.#let(room, answer);
    else for (const handlers of room.handlers) handlers.refused(answer.code, answer.message);
    this.#tell();
  }

  #let(room: Room, answer: Extract<JoinReply, { ok: true }>): void {
    room.joined = true;
    this.#proof = timeNow();
    if ('resumed' in answer) return;
    const { epoch, seq } = answer.snapshot;
    room.place = { epoch, seq };
    for (const handlers of room.handlers) handlers.snapshot(answer.snapshot);
  }

  #joinLater(room: Room, delayMs: number): void {
    const { joinTry } = room;
    setTimeout(() => {
      if (joinTry === room.joinTry && this.#socket.connected) void this.#join(room);
    }, delayMs);
  }

  /** What is here misses something. A room that asks for that again and again is joined once a second. */
  #rejoin(room: Room): void {
    room.place = null;
    room.joined = false;
    room.joinTry++;
    this.#joining.add(room.name);
    this.#joinLater(room, Math.max(0, room.joinedAtMs + REJOIN_DELAY_MS - performance.now()));
  }

  async #askToJoin({ name, place }: Room): Promise<JoinReply | undefined> {
    try {
      return (await this.#socket.timeout(JOIN_TIMEOUT_MS).emitWithAck('join', {
        room: name,
        hidden: document.hidden,
        ...(place && { since: place }),
      })) as JoinReply;
    } catch {
      return undefined; // Timed out or disconnected: the caller decides.
    }
  }

  #receive(patches: RoomPatch[]): void {
    this.#proof = timeNow();
    for (const patch of patches) {
      const room = this.#rooms.get(patch.room);
      // Before the join has answered, patches are older than or part of the snapshot to come, or make a gap after it.
      if (!room?.joined || !room.place) continue;
      const verdict = judgePatch(room.place, patch);
      if (verdict === 'rejoin') this.#rejoin(room);
      if (verdict !== 'apply') continue;
      room.place = { epoch: patch.epoch, seq: patch.seq };
      const { frames, ...rest } = patch;
      const news: RoomNews = frames ? { ...rest, frames: unpackFrames(frames) } : rest;
      for (const handlers of room.handlers) handlers.patch(news);
    }
    // Only when it has been painted: a page that is slow gets fewer and larger batches.
    this.#painted.request();
    this.#tell();
  }

  #prove(): void {
    if (!this.#socket.connected) {
      this.#tell();
      return;
    }
    this.#socket
      .timeout(PROBE_MS)
      .emit('probe', (error: Error | null, answer?: { live: boolean; nowMs: number }) => {
        if (error === null && answer) {
          learnFarmTime(answer.nowMs);
          if (answer.live) this.#proof = timeNow();
        }
        this.#tell();
      });
  }

  #connected(): void {
    if (document.hidden) this.#socket.emit('visibility', { hidden: true });
    for (const room of this.#rooms.values()) void this.#join(room);
    this.#prove();
  }

  #disconnected(): void {
    for (const room of this.#rooms.values()) {
      room.joinTry++;
      room.joined = false;
    }
    this.#joining.clear();
    this.#painted.cancel();
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
      proof: this.#proof,
    });
  }
}

function newRoom(name: string): Room {
  return { name, handlers: new Set(), place: null, joined: false, joinedAtMs: -REJOIN_DELAY_MS, joinTry: 0 };
}
