import { randomUUID } from 'node:crypto';
import type { Server as HttpServer } from 'node:http';
import { Server, type Socket } from 'socket.io';
import { z } from 'zod';
import type {
  ClientToServerEvents,
  JoinReply,
  RoomPatch,
  ServerToClientEvents,
} from '../../shared/contracts/realtime.ts';
import { FarmError } from '../../shared/domain/errors.ts';
import type { Logger } from '../../shared/logging/logger.ts';
import type { Access } from '../auth/access.ts';
import { guardHandshake } from './handshake.ts';
import type { LogFeed } from './log-feed.ts';
import type { PatchBody } from './patch-body.ts';
import { RoomHub } from './room-hub.ts';
import { parseRoom } from './rooms.ts';
import type { Snapshots } from './snapshots.ts';
import type { GatewayMetrics } from '../telemetry/gateway-metrics.ts';

const FLUSH_EVERY_MS = 100;
const MAX_ROOMS = 64;
/** Requests of clients are a room's name and a flag. */
const MAX_REQUEST_BYTES = 16_384;

const joinSchema = z.object({ room: z.string(), hidden: z.boolean().optional() });
const leaveSchema = z.object({ room: z.string() });
const visibilitySchema = z.object({ hidden: z.boolean() });

type FarmServer = Server<ClientToServerEvents, ServerToClientEvents>;
type FarmSocket = Socket<ClientToServerEvents, ServerToClientEvents>;

/** The one owner of Socket.IO: lets sockets in, hands out snapshots, and sends what the hub says is due. */
export class RealtimeServer {
  readonly #hub = new RoomHub(randomUUID());
  readonly #snapshots: Snapshots;
  readonly #access: Access;
  readonly #metrics: GatewayMetrics;
  readonly #log: Logger;
  #logs: LogFeed | undefined;
  #io: FarmServer | undefined;
  #live = false;
  #flushTimer: NodeJS.Timeout | undefined;
  #flushedAtMs = 0;
  /** When the oldest change came that has not been sent. */
  #dirtySinceMs: number | undefined;

  constructor(snapshots: Snapshots, access: Access, metrics: GatewayMetrics, log: Logger) {
    this.#snapshots = snapshots;
    this.#access = access;
    this.#metrics = metrics;
    this.#log = log;
  }

  attach(server: HttpServer, logs: LogFeed): void {
    this.#logs = logs;
    const io: FarmServer = new Server(server, {
      serveClient: false,
      perMessageDeflate: false,
      maxHttpBufferSize: MAX_REQUEST_BYTES,
      ...guardHandshake(this.#access),
    });
    this.#io = io;
    io.use((socket, next) => {
      try {
        const shown: unknown = socket.handshake.auth['token'];
        const { address, headers } = socket.handshake;
        if (typeof shown === 'string') this.#access.assertToken(shown, address);
        else this.#access.authenticate(headers, address, 'POST');
        next();
      } catch (error) {
        next(refusal(error));
      }
    });
    io.on('connection', (socket) => this.#welcome(socket));
  }

  async stop(): Promise<void> {
    clearTimeout(this.#flushTimer);
    this.#logs?.stop();
    await this.#io?.close();
  }

  /** Everything is heard again from now on; what came before may have been missed. */
  begin(): void {
    this.#live = true;
    this.#hub.renew(randomUUID());
    this.#schedule();
  }

  /** The gateway hears nothing of the farm. */
  interrupt(): void {
    this.#live = false;
  }

  /** Sockets that are open. */
  get clients(): number {
    return this.#io?.sockets.sockets.size ?? 0;
  }

  isWatched(room: string): boolean {
    return this.#hub.isWatched(room);
  }

  publish(room: string, body: PatchBody): void {
    this.#hub.publish(room, body);
    this.#dirtySinceMs ??= performance.now();
    this.#schedule();
  }

  #welcome(socket: FarmSocket): void {
    const { id } = socket;
    this.#hub.addMember(id);
    socket.on('join', (request, reply) => void this.#join(id, request, reply));
    socket.on('leave', (request) => {
      const parsed = leaveSchema.safeParse(request);
      if (parsed.success && this.#hub.unsubscribe(id, parsed.data.room)) this.#logs?.forget(parsed.data.room);
    });
    socket.on('visibility', (request) => {
      const parsed = visibilitySchema.safeParse(request);
      if (parsed.success) this.#hub.setHidden(id, parsed.data.hidden);
    });
    socket.on('probe', (reply: unknown) => {
      if (typeof reply === 'function') (reply as (answer: { live: boolean }) => void)({ live: this.#live });
    });
    socket.on('disconnect', () => {
      for (const room of this.#hub.removeMember(id)) this.#logs?.forget(room);
    });
  }

  async #join(id: string, request: unknown, reply: unknown): Promise<void> {
    if (typeof reply !== 'function') return;
    const answer = reply as (answer: JoinReply) => void;
    const parsed = joinSchema.safeParse(request);
    const room = parseRoom(parsed.data?.room);
    if (!parsed.success || !room) {
      answer({ ok: false, code: 'invalid', message: 'Rooms are jobs, workers, job:<id> and log:<attempt>.' });
      return;
    }
    if (this.#hub.roomsOf(id) >= MAX_ROOMS) {
      answer({ ok: false, code: 'refused', message: `A socket joins at most ${MAX_ROOMS} rooms at a time.` });
      return;
    }
    const name = parsed.data.room;
    if (parsed.data.hidden !== undefined) this.#hub.setHidden(id, parsed.data.hidden);
    const subscription = this.#hub.subscribe(id, name);
    if (!subscription) return;
    try {
      if (room.kind === 'log') await this.#logs?.follow(room.attempt);
      const content = await this.#snapshots.take(room);
      if (!this.#hub.activate(id, name, subscription, content.log?.nextOffset)) {
        answer({ ok: false, code: 'conflict', message: 'The room was left or joined again meanwhile.' });
        return;
      }
      answer({ ok: true, snapshot: { room: name, epoch: this.#hub.epoch, seq: 0, ...content } });
      this.#schedule();
    } catch (error) {
      if (this.#hub.unsubscribe(id, name)) this.#logs?.forget(name);
      answer(this.#failure(error, name));
    }
  }

  #failure(error: unknown, room: string): JoinReply {
    if (error instanceof FarmError) return { ok: false, code: error.code, message: error.message };
    this.#log.error({ err: error, room }, 'a snapshot could not be taken');
    return { ok: false, code: 'unavailable', message: 'The farm cannot show this at the moment; try again.' };
  }

  /** A change after a pause goes out at once, those that follow together. */
  #schedule(): void {
    if (this.#flushTimer || !this.#hub.isDirty) return;
    const waitMs = Math.max(0, this.#flushedAtMs + FLUSH_EVERY_MS - Date.now());
    this.#flushTimer = setTimeout(() => this.#flush(), waitMs);
  }

  #flush(): void {
    this.#flushTimer = undefined;
    this.#flushedAtMs = Date.now();
    const batches = this.#hub.collect(this.#flushedAtMs);
    for (const [id, batch] of batches) this.#send(id, batch);
    if (this.#dirtySinceMs !== undefined && batches.size > 0)
      this.#metrics.sentAfter((performance.now() - this.#dirtySinceMs) / 1_000);
    this.#dirtySinceMs = undefined;
    this.#schedule();
  }

  #send(id: string, batch: RoomPatch[]): void {
    const socket = this.#io?.sockets.sockets.get(id);
    socket?.emit('patches', batch, () => {
      this.#hub.acknowledged(id);
      this.#schedule();
    });
  }
}

function refusal(error: unknown): Error {
  if (!(error instanceof FarmError)) return error instanceof Error ? error : new Error('refused');
  return Object.assign(new Error(error.message), { data: { code: error.code } });
}
