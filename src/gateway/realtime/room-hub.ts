import type { RoomPatch } from '../../shared/contracts/realtime.ts';
import { logBehind, mergePatches, patchContent, patches, type PatchBody } from './patch-body.ts';

/** Hidden tabs get patches once in this time. */
export const HIDDEN_EVERY_MS = 1_000;

export interface Subscription {
  /** Number of the last patch sent; the snapshot is 0. */
  seq: number;
  /** Its snapshot has been handed out; before that changes only gather. */
  ready: boolean;
  pending: PatchBody | undefined;
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

/**
 * Who watches which room, and what each has still to be told. Pure: it sends nothing and reads no clock.
 *
 * A subscription begins before its snapshot is read, so that nothing falls between the two; changes that the snapshot
 * holds already are told again, which changes nothing. A socket has one batch under way; while it waits, changes merge,
 * so that a slow client costs no more memory than the size of what it watches.
 */
export class RoomHub {
  #epoch: string;
  readonly #members = new Map<string, Member>();
  readonly #rooms = new Map<string, { watchers: Set<string>; pending: PatchBody | undefined }>();

  constructor(epoch: string) {
    this.#epoch = epoch;
  }

  get epoch(): string {
    return this.#epoch;
  }

  addMember(id: string): void {
    this.#members.set(id, { rooms: new Map(), hidden: false, waiting: false, sentAtMs: 0 });
  }

  /** @returns rooms that nobody watches any more. */
  removeMember(id: string): string[] {
    const rooms = [...(this.#members.get(id)?.rooms.keys() ?? [])];
    const emptied = rooms.filter((room) => this.unsubscribe(id, room));
    this.#members.delete(id);
    return emptied;
  }

  setHidden(id: string, hidden: boolean): void {
    const member = this.#members.get(id);
    if (member) member.hidden = hidden;
  }

  roomsOf(id: string): number {
    return this.#members.get(id)?.rooms.size ?? 0;
  }

  /** Begins to gather changes for a member that is about to get a snapshot. Joining again starts over. */
  subscribe(id: string, room: string): Subscription | undefined {
    const member = this.#members.get(id);
    if (!member) return undefined;
    const subscription: Subscription = { seq: 0, ready: false, pending: undefined, logEnd: 0 };
    member.rooms.set(room, subscription);
    const entry = this.#rooms.get(room) ?? { watchers: new Set(), pending: undefined };
    this.#rooms.set(room, entry);
    entry.watchers.add(id);
    return subscription;
  }

  /**
   * The snapshot has been read: from now on patches go out.
   * @param logEnd of a log's snapshot.
   * @returns whether the member still wants it: it may have left or joined again meanwhile.
   */
  activate(id: string, room: string, subscription: Subscription, logEnd = 0): boolean {
    if (this.#members.get(id)?.rooms.get(room) !== subscription) return false;
    subscription.ready = true;
    subscription.logEnd = logEnd;
    return true;
  }

  /** @returns whether nobody watches the room any more. */
  unsubscribe(id: string, room: string): boolean {
    this.#members.get(id)?.rooms.delete(room);
    const entry = this.#rooms.get(room);
    if (!entry?.watchers.delete(id) || entry.watchers.size > 0) return false;
    this.#rooms.delete(room);
    return true;
  }

  isWatched(room: string): boolean {
    return this.#rooms.has(room);
  }

  publish(room: string, body: PatchBody): void {
    const entry = this.#rooms.get(room);
    if (entry) entry.pending = mergePatches(entry.pending, body);
  }

  /** What was told so far may miss something: everybody is to take a new snapshot. */
  renew(epoch: string): void {
    this.#epoch = epoch;
    for (const room of this.#rooms.keys()) this.publish(room, patches.resync());
  }

  /** The batches that are due, by member. Each member counts as waiting until {@link acknowledged}. */
  collect(nowMs: number): Map<string, RoomPatch[]> {
    for (const [room, entry] of this.#rooms) {
      if (!entry.pending) continue;
      for (const id of entry.watchers) {
        const subscription = this.#members.get(id)?.rooms.get(room);
        if (subscription) subscription.pending = mergePatches(subscription.pending, entry.pending);
      }
      entry.pending = undefined;
    }
    const batches = new Map<string, RoomPatch[]>();
    for (const [id, member] of this.#members) {
      if (member.waiting || (member.hidden && nowMs - member.sentAtMs < HIDDEN_EVERY_MS)) continue;
      const batch = this.#batchOf(member);
      if (batch.length === 0) continue;
      member.waiting = true;
      member.sentAtMs = nowMs;
      batches.set(id, batch);
    }
    return batches;
  }

  acknowledged(id: string): void {
    const member = this.#members.get(id);
    if (member) member.waiting = false;
  }

  /** Something has still to be told to somebody. */
  get isDirty(): boolean {
    for (const entry of this.#rooms.values()) if (entry.pending) return true;
    for (const member of this.#members.values())
      for (const subscription of member.rooms.values()) if (subscription.pending) return true;
    return false;
  }

  #batchOf(member: Member): RoomPatch[] {
    const batch: RoomPatch[] = [];
    for (const [room, subscription] of member.rooms) {
      if (!subscription.ready || !subscription.pending) continue;
      const body = withWholeLog(subscription, subscription.pending);
      subscription.pending = undefined;
      if (!body) continue;
      subscription.seq++;
      batch.push({ room, epoch: this.#epoch, seq: subscription.seq, ...patchContent(body) });
    }
    return batch;
  }
}

/** A log reaches a socket without repetition and without gaps, or not at all. */
function withWholeLog(subscription: Subscription, body: PatchBody): PatchBody | undefined {
  if (!body.log) return body;
  const log = logBehind(body.log, subscription.logEnd);
  if (!log) return patches.resync();
  if (log.bytes === 0) return undefined;
  subscription.logEnd = log.offset + log.bytes;
  return { ...body, log };
}
