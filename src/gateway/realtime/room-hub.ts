import type { RoomPatch, RoomPlace } from '../../shared/contracts/realtime.ts';
import { patches, type PatchBody } from './patch-body.ts';
import { RoomState } from './room-state.ts';

/** Hidden tabs get patches once in this time. */
export const HIDDEN_EVERY_MS = 1_000;
/** What happens in a room is kept for so long after its last watcher was cut off: it may come back. */
export const LINGER_MS = 60_000;

export interface Subscription {
  /** Number of the last patch sent, or of the snapshot. */
  seq: number;
  /** Number of the last patch that was looked at for this socket; it need not have held anything for it. */
  looked: number;
  /** Its snapshot has been handed out. */
  ready: boolean;
  /** Byte offset at which the log that the socket has ends. */
  logEnd: number;
}

interface Member {
  rooms: Map<string, Subscription>;
  hidden: boolean;
  /** A batch is under way and not yet acknowledged. */
  waiting: boolean;
  sentAtMs: number;
}

interface Room {
  watchers: Set<string>;
  state: RoomState;
  /** When the last watcher was cut off; undefined while there are some. */
  emptySinceMs: number | undefined;
}

/** The same patches for all of these sockets. */
export interface Batch {
  ids: string[];
  patches: RoomPatch[];
}

/**
 * Who watches which room, and where each stands. Pure: it sends nothing and reads no clock.
 *
 * A room holds what changed, newest word only; a socket holds a number. It gets what changed since that number, one batch
 * at a time, so that a slow socket costs no memory and sockets that keep up share one batch. A number is never given twice
 * within an epoch, so that a client that was cut off can name its own and go on from there.
 */
export class RoomHub {
  #epoch: string;
  /** Of the last patch in any room. */
  #seq = 0;
  readonly #members = new Map<string, Member>();
  readonly #rooms = new Map<string, Room>();

  constructor(epoch: string) {
    this.#epoch = epoch;
  }

  get epoch(): string {
    return this.#epoch;
  }

  addMember(id: string): void {
    this.#members.set(id, { rooms: new Map(), hidden: false, waiting: false, sentAtMs: 0 });
  }

  /** The socket is gone, perhaps not for good. Its rooms linger; {@link sweep} ends them. */
  removeMember(id: string, nowMs: number): void {
    for (const name of this.#members.get(id)?.rooms.keys() ?? []) {
      const room = this.#rooms.get(name);
      if (room?.watchers.delete(id) && room.watchers.size === 0) room.emptySinceMs = nowMs;
    }
    this.#members.delete(id);
  }

  setHidden(id: string, hidden: boolean): void {
    const member = this.#members.get(id);
    if (member) member.hidden = hidden;
  }

  isIn(id: string, name: string): boolean {
    return this.#members.get(id)?.rooms.has(name) === true;
  }

  roomsOf(id: string): number {
    return this.#members.get(id)?.rooms.size ?? 0;
  }

  /** From now on what happens in the room is kept for a member that is about to get a snapshot. Joining again starts over. */
  subscribe(id: string, name: string): Subscription | undefined {
    const member = this.#members.get(id);
    if (!member) return undefined;
    const room = this.#rooms.get(name) ?? this.#open(name);
    room.watchers.add(id);
    room.emptySinceMs = undefined;
    const subscription = { seq: 0, looked: 0, ready: false, logEnd: 0 };
    member.rooms.set(name, subscription);
    return subscription;
  }

  /** A number of its own, so that nobody who was here before takes it for the room that he left. */
  #open(name: string): Room {
    const room = { watchers: new Set<string>(), state: new RoomState(++this.#seq), emptySinceMs: undefined };
    this.#rooms.set(name, room);
    return room;
  }

  /** Where the room stands now: everything up to here is in a snapshot that is read after this. */
  placeOf(name: string): RoomPlace {
    return { epoch: this.#epoch, seq: this.#rooms.get(name)?.state.seq ?? this.#seq };
  }

  /** Whether all that came after a place is still known. */
  canResume(name: string, { epoch, seq }: RoomPlace): boolean {
    return epoch === this.#epoch && seq <= this.#seq && this.#rooms.get(name)?.state.reaches(seq) === true;
  }

  /**
   * From now on patches go out.
   * @param at the place of the snapshot that has been read, or the one that the client had reached.
   * @param logEnd of a log's snapshot.
   * @returns whether the member still wants it: it may have left or joined again meanwhile.
   */
  activate(id: string, name: string, subscription: Subscription, at: number, logEnd = 0): boolean {
    if (this.#members.get(id)?.rooms.get(name) !== subscription) return false;
    Object.assign(subscription, { seq: at, looked: at, ready: true, logEnd });
    return true;
  }

  /**
   * The member wants no more of it.
   * @param only where it is still this subscription: the room may have been joined again meanwhile.
   */
  unsubscribe(id: string, name: string, only?: Subscription): void {
    const rooms = this.#members.get(id)?.rooms;
    if (only !== undefined && rooms?.get(name) !== only) return;
    rooms?.delete(name);
    const room = this.#rooms.get(name);
    if (room?.watchers.delete(id) && room.watchers.size === 0) this.#rooms.delete(name);
  }

  /** Ends rooms to which nobody came back. */
  sweep(nowMs: number): void {
    for (const [name, { emptySinceMs }] of this.#rooms)
      if (emptySinceMs !== undefined && nowMs - emptySinceMs >= LINGER_MS) this.#rooms.delete(name);
  }

  /** Somebody watches, or did a moment ago. */
  isWatched(name: string): boolean {
    return this.#rooms.has(name);
  }

  publish(name: string, body: PatchBody): void {
    this.#rooms.get(name)?.state.absorb(body, this.#seq + 1);
  }

  /** What was told so far may miss something: everybody is to take a new snapshot. */
  renew(epoch: string): void {
    this.#epoch = epoch;
    for (const name of this.#rooms.keys()) this.publish(name, patches.resync());
  }

  /** The batches that are due. Each member counts as waiting until {@link acknowledged}. */
  collect(nowMs: number): Batch[] {
    const next = this.#seq + 1;
    for (const { state } of this.#rooms.values()) if (state.cut(next)) this.#seq = next;
    const batches = new Map<string, Batch>();
    for (const [id, member] of this.#members) {
      if (member.waiting || (member.hidden && nowMs - member.sentAtMs < HIDDEN_EVERY_MS)) continue;
      const behind = this.#behind(member);
      if (behind.length === 0) continue;
      const place = behind.map(({ name, at }) => `${name} ${at.seq} ${at.logEnd}`).join('\n');
      const batch = batches.get(place) ?? { ids: [], patches: this.#patchesFor(behind) };
      batches.set(place, batch);
      advance(member, behind, batch.patches);
      if (batch.patches.length === 0) continue;
      batch.ids.push(id);
      member.waiting = true;
      member.sentAtMs = nowMs;
    }
    return [...batches.values()].filter(({ ids }) => ids.length > 0);
  }

  acknowledged(id: string): void {
    const member = this.#members.get(id);
    if (member) member.waiting = false;
  }

  /** Something has still to be told to somebody. */
  get isDirty(): boolean {
    for (const { state, watchers } of this.#rooms.values())
      if (state.isDirty && watchers.size > 0) return true;
    for (const member of this.#members.values())
      if (!member.waiting && this.#behind(member).length > 0) return true;
    return false;
  }

  /** The rooms in which something happened that was not looked at for this member. */
  #behind({ rooms }: Member): Behind[] {
    const behind: Behind[] = [];
    for (const [name, at] of rooms) {
      const state = this.#rooms.get(name)?.state;
      if (state && at.ready && at.looked < state.seq) behind.push({ name, at, state });
    }
    return behind;
  }

  #patchesFor(behind: readonly Behind[]): RoomPatch[] {
    return behind.flatMap(({ name, at, state }) => {
      const content = state.since(at.seq, at.logEnd);
      if (Object.keys(content).length === 0) return [];
      return [{ room: name, epoch: this.#epoch, from: at.seq, seq: state.seq, ...content }];
    });
  }
}

interface Behind {
  name: string;
  at: Subscription;
  state: RoomState;
}

function advance(member: Member, behind: readonly Behind[], sent: readonly RoomPatch[]): void {
  for (const { at, state } of behind) at.looked = state.seq;
  for (const { room, seq, log } of sent) {
    const at = member.rooms.get(room);
    if (!at) continue;
    at.seq = seq;
    if (log) at.logEnd = log.offset + Buffer.byteLength(log.text);
  }
}
