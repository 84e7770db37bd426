import { z } from 'zod';
import type { JoinReply } from '../../shared/contracts/realtime.ts';
import { FarmError } from '../../shared/domain/errors.ts';
import type { Logger } from '../../shared/logging/logger.ts';
import type { LogFeed } from './log-feed.ts';
import type { RoomHub } from './room-hub.ts';
import { parseRoom, type Room } from './rooms.ts';
import type { SnapshotContent, Snapshots } from './snapshots.ts';

const MAX_ROOMS = 64;

const joinSchema = z.object({
  room: z.string(),
  hidden: z.boolean().optional(),
  since: z.object({ epoch: z.string(), seq: z.int() }).optional(),
});

interface Reading {
  epoch: string;
  seq: number;
  content: Promise<SnapshotContent>;
}

/** Lets sockets into rooms: with a snapshot, or from where they were before they were cut off. */
export class JoinDesk {
  readonly #hub: RoomHub;
  readonly #snapshots: Snapshots;
  readonly #logs: LogFeed;
  readonly #log: Logger;
  /** Snapshots that are being read. Whoever comes meanwhile shares one: all who saw a gap come at once. */
  readonly #readings = new Map<string, Reading>();

  constructor(hub: RoomHub, snapshots: Snapshots, logs: LogFeed, log: Logger) {
    this.#hub = hub;
    this.#snapshots = snapshots;
    this.#logs = logs;
    this.#log = log;
  }

  async join(id: string, request: unknown): Promise<JoinReply | undefined> {
    const { data } = joinSchema.safeParse(request);
    const room = parseRoom(data?.room);
    if (!data || !room)
      return refusal('invalid', 'Rooms are farm, jobs, workers, job:<id> and log:<attempt>.');
    const { room: name, hidden, since } = data;
    if (!this.#hub.isIn(id, name) && this.#hub.roomsOf(id) >= MAX_ROOMS)
      return refusal('refused', `A socket joins at most ${MAX_ROOMS} rooms at a time.`);
    if (hidden !== undefined) this.#hub.setHidden(id, hidden);
    // A log is known by byte offsets, not by numbers of patches: it begins with its end each time.
    const resumes = since !== undefined && room.kind !== 'log' && this.#hub.canResume(name, since);
    const subscription = this.#hub.subscribe(id, name);
    if (!subscription) return undefined;
    if (resumes) {
      this.#hub.activate(id, name, subscription, since.seq);
      return { ok: true, resumed: true };
    }
    try {
      const { epoch, seq, content } = await this.#read(name, room);
      if (!this.#hub.activate(id, name, subscription, seq, content.log?.nextOffset))
        return refusal('conflict', 'The room was left or joined again meanwhile.');
      return { ok: true, snapshot: { room: name, epoch, seq, ...content } };
    } catch (error) {
      this.#hub.unsubscribe(id, name, subscription);
      this.#logs.prune();
      return this.#failure(error, name);
    }
  }

  /** A reading begins after its place was noted, so that nothing falls between the two; what both hold is told twice. */
  async #read(name: string, room: Room): Promise<{ epoch: string; seq: number; content: SnapshotContent }> {
    if (room.kind === 'log') await this.#logs.follow(room.attempt);
    const place = this.#hub.placeOf(name);
    const known = this.#readings.get(name);
    const reading = known?.epoch === place.epoch ? known : { ...place, content: this.#snapshots.take(room) };
    this.#readings.set(name, reading);
    try {
      return { ...reading, content: await reading.content };
    } finally {
      if (this.#readings.get(name) === reading) this.#readings.delete(name);
    }
  }

  #failure(error: unknown, room: string): JoinReply {
    if (error instanceof FarmError) return refusal(error.code, error.message);
    this.#log.error({ err: error, room }, 'a snapshot could not be taken');
    return refusal('unavailable', 'The farm cannot show this at the moment; try again.');
  }
}

const refusal = (code: string, message: string): JoinReply => ({ ok: false, code, message });
