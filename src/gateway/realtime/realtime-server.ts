import { randomUUID } from 'node:crypto';
import type { Server as HttpServer } from 'node:http';
import { Server, type Socket } from 'socket.io';
import { z } from 'zod';
import type {
  ClientToServerEvents,
  JoinReply,
  ServerToClientEvents,
} from '../../shared/contracts/realtime.ts';
import { FarmError } from '../../shared/domain/errors.ts';
import type { Logger } from '../../shared/logging/logger.ts';
import type { Access } from '../auth/access.ts';
import { guardHandshake } from './handshake.ts';
import { JoinDesk } from './join-desk.ts';
import type { LogFeed } from './log-feed.ts';
import type { PatchBody } from './patch-body.ts';
import { RoomHub } from './room-hub.ts';
import type { Snapshots } from './snapshots.ts';
import type { GatewayMetrics } from '../telemetry/gateway-metrics.ts';

const FLUSH_EVERY_MS = 100;
const SWEEP_EVERY_MS = 10_000;
/** Requests of clients are a room's name and a flag. */
const MAX_REQUEST_BYTES = 16_384;

const leaveSchema = z.object({ room: z.string() });
const visibilitySchema = z.object({ hidden: z.boolean() });

type ProbeReply = Parameters<ClientToServerEvents['probe']>[0];
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
  #desk: JoinDesk | undefined;
  #io: FarmServer | undefined;
  #live = false;
  #flushTimer: NodeJS.Timeout | undefined;
  #sweepTimer: NodeJS.Timeout | undefined;
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
    this.#desk = new JoinDesk(this.#hub, this.#snapshots, logs, this.#log);
    this.#sweepTimer = setInterval(() => this.#sweep(), SWEEP_EVERY_MS);
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
    clearInterval(this.#sweepTimer);
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

  #sweep(): void {
    this.#hub.sweep(performance.now());
    this.#logs?.prune();
  }

  #welcome(socket: FarmSocket): void {
    const { id } = socket;
    this.#hub.addMember(id);
    socket.on('join', (request, reply) => void this.#join(id, request, reply));
    socket.on('leave', (request) => {
      const parsed = leaveSchema.safeParse(request);
      if (!parsed.success) return;
      this.#hub.unsubscribe(id, parsed.data.room);
      this.#logs?.prune();
    });
    socket.on('visibility', (request) => {
      const parsed = visibilitySchema.safeParse(request);
      if (parsed.success) this.#hub.setHidden(id, parsed.data.hidden);
    });
    socket.on('probe', (reply: unknown) => {
      if (typeof reply === 'function') (reply as ProbeReply)({ live: this.#live, nowMs: Date.now() });
    });
    socket.on('applied', () => {
      this.#hub.acknowledged(id);
      this.#schedule();
    });
    socket.on('disconnect', () => this.#hub.removeMember(id, performance.now()));
  }

  async #join(id: string, request: unknown, reply: unknown): Promise<void> {
    if (typeof reply !== 'function') return;
    const answer = await this.#desk?.join(id, request);
    if (answer) (reply as (answer: JoinReply) => void)(answer);
    this.#schedule();
  }

  /** A change after a pause goes out at once, those that follow together. */
  #schedule(): void {
    if (this.#flushTimer || !this.#hub.isDirty) return;
    const waitMs = Math.max(0, this.#flushedAtMs + FLUSH_EVERY_MS - performance.now());
    this.#flushTimer = setTimeout(() => this.#flush(), waitMs);
  }

  #flush(): void {
    this.#flushTimer = undefined;
    this.#flushedAtMs = performance.now();
    const batches = this.#hub.collect(this.#flushedAtMs);
    // A batch is encoded once for all who get it.
    for (const { ids, patches } of batches) this.#io?.to(ids).emit('patches', patches);
    if (this.#dirtySinceMs !== undefined && batches.length > 0)
      this.#metrics.sentAfter((performance.now() - this.#dirtySinceMs) / 1_000);
    this.#dirtySinceMs = undefined;
    this.#schedule();
  }
}

function refusal(error: unknown): Error {
  if (!(error instanceof FarmError)) return error instanceof Error ? error : new Error('refused');
  return Object.assign(new Error(error.message), { data: { code: error.code } });
}
