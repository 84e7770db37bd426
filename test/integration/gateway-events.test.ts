import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { DeliverPolicy, jetstream, jetstreamManager } from '@nats-io/jetstream';
import type { NatsConnection } from 'nats';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { EventStreams, type EventStreamLimits } from '../../src/gateway/events/event-streams.ts';
import { encodeMessage } from '../../src/shared/contracts/decode.ts';
import { streamEventSchema, type StreamEvent } from '../../src/shared/contracts/events.ts';
import type { JobStatus } from '../../src/shared/contracts/messages.ts';
import { jobStatusSubject } from '../../src/shared/contracts/subjects.ts';
import { readJobSummary } from '../../src/shared/database/job-summaries.ts';
import { reconcileStreams } from '../../src/shared/messaging/reconcile-streams.ts';
import { createTestContext, type TestContext } from '../support/farm-context.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { seedJob } from '../support/ledger-rows.ts';
import { until } from '../support/until.ts';

let context: TestContext;
let gateway: TestGateway;
/** What a coordinator would say is said by the test. */
let coordinator: NatsConnection;
const cleanUp: (() => Promise<void> | void)[] = [];

beforeAll(async () => {
  context = await createTestContext();
  gateway = await startTestGateway(context);
  coordinator = await context.connectAs('coordinator');
  await seedJob(context.ledger, {
    id: 'j1',
    state: 'running',
    steps: [{ name: 'render', frames: ['done'] }],
  });
  await seedJob(context.ledger, { id: 'j2', state: 'held', steps: [{ name: 'render', frames: ['held'] }] });
});
afterEach(async () => {
  for (const step of cleanUp.splice(0).reverse()) await step();
});
afterAll(async () => {
  await gateway.stop();
  await context.dispose();
});

interface HeardEvent {
  id: string | undefined;
  event: StreamEvent;
}

/** Reads a stream as a browser's EventSource does. */
async function listen(path: string, headers: Record<string, string> = {}, from = gateway) {
  const abort = new AbortController();
  cleanUp.push(() => abort.abort());
  const response = await from.fetch(path, { headers, signal: abort.signal });
  expect(response.headers.get('content-type')).toBe('text/event-stream');
  const heard: HeardEvent[] = [];
  const state = { lastId: '', ended: false };
  void read(response, heard, state).catch(() => (state.ended = true));
  return { heard, state, types: () => heard.map(({ event }) => event.type), close: () => abort.abort() };
}

async function read(
  response: Response,
  heard: HeardEvent[],
  state: { lastId: string; ended: boolean },
): Promise<void> {
  let text = '';
  const decoder = new TextDecoder();
  for await (const bytes of response.body as unknown as AsyncIterable<Uint8Array>) {
    text += decoder.decode(bytes, { stream: true });
    const blocks = text.split('\n\n');
    text = blocks.pop() ?? '';
    for (const block of blocks) {
      const field = (name: string) => new RegExp(`^${name}: (.*)$`, 'm').exec(block)?.[1];
      const id = field('id');
      if (id !== undefined) state.lastId = id;
      const data = field('data');
      if (data === undefined) continue;
      const event = streamEventSchema.parse(JSON.parse(data));
      expect(field('event')).toBe(event.type);
      heard.push({ id, event });
    }
  }
  state.ended = true;
}

/** @returns its sequence in the stream */
async function say(jobId: string, status?: JobStatus): Promise<number> {
  const job = await readJobSummary(context.ledger, jobId);
  if (!job) throw new Error('the job was written');
  const body = encodeMessage(status ?? { type: 'job', job, frames: [] });
  return (await jetstream(coordinator).publish(jobStatusSubject(jobId), body)).seq;
}

const control = (message: string): JobStatus => ({ type: 'control', requestId: 'r1', ok: true, message });

describe('the event stream', () => {
  it('gives what happens from now on, with the stream’s sequences as ids', async () => {
    await say('j1');
    const stream = await listen('/api/events');
    await until(() => stream.state.lastId !== '', 'it began');
    const sequence = await say('j2');
    await until(() => stream.heard.length >= 2, 'it was told');
    expect(stream.types()).toEqual(['job.changed', 'job.held']);
    expect(stream.heard.map(({ id }) => id)).toEqual([
      undefined,
      expect.stringMatching(new RegExp(`^${sequence}\\.`)),
    ]);
    expect(stream.heard[1]?.event.data).toMatchObject({ job: { id: 'j2', state: 'held' } });
  });

  it('is replayed after a sequence, an id or a time, of one job, of some types', async () => {
    const before = new Date();
    const first = await say('j1', control('one'));
    await say('j2', control('two'));
    await say('j1', control('three'));
    await say('j1');
    const messages = async (path: string, headers = {}) => {
      const stream = await listen(path, headers);
      await until(() => stream.heard.length >= 2, `${path} was told`);
      stream.close();
      return stream.heard
        .slice(0, 2)
        .map(({ event }) => (event.type === 'job.control' ? event.data.message : event.type));
    };
    expect(await messages(`/api/events?since=${first - 1}&types=job.control`)).toEqual(['one', 'two']);
    expect(await messages(`/api/events?since=${first - 1}&types=job.control&job=j1`)).toEqual([
      'one',
      'three',
    ]);
    expect(await messages(`/api/events?since=${first}&job=j1`)).toEqual(['three', 'job.changed']);
    expect(await messages(`/api/events?since=${before.toISOString()}`)).toEqual(['one', 'two']);
    // A client that comes back has the same address, and says what it has seen.
    expect(await messages('/api/events?since=1', { 'last-event-id': String(first) })).toEqual([
      'two',
      'three',
    ]);
  });

  it('says what is gone', async () => {
    const last = await say('j1', control('kept'));
    const manager = await jetstreamManager(coordinator);
    await manager.streams.purge('STATUS', { seq: last });
    const stream = await listen('/api/events?since=1');
    await until(() => stream.heard.length >= 2, 'it was told');
    expect(stream.heard.map(({ event }) => event)).toMatchObject([
      { type: 'gap', data: { from: 2, to: last - 1 } },
      { type: 'job.control', data: { message: 'kept' } },
    ]);
  });

  it('ends when the stream is lost; who comes back hears that something is missing', async () => {
    const stream = await listen('/api/events');
    await until(() => stream.state.lastId !== '', 'it began');
    const manager = await jetstreamManager(coordinator);
    await manager.streams.delete('STATUS');
    await reconcileStreams(coordinator);
    await until(() => stream.state.ended, 'it ended', 40_000);
    expect(stream.types()).toEqual(['end']);
    await say('j1', control('new'));
    const again = await listen('/api/events', { 'last-event-id': stream.state.lastId });
    await until(() => again.heard.length >= 2, 'it was told');
    expect(again.types()).toEqual(['gap', 'job.control']);
  });

  it('leaves no consumers behind', async () => {
    const stream = await listen('/api/events');
    await until(() => stream.state.lastId !== '', 'it began');
    stream.close();
    const manager = await jetstreamManager(coordinator);
    const ours = async (): Promise<number> => {
      let count = 0;
      for await (const { config } of manager.consumers.list('STATUS'))
        if (config.deliver_policy === DeliverPolicy.StartSequence && config.ack_policy === 'none') count++;
      return count;
    };
    // One is the page's: it follows the statuses as long as the gateway runs.
    await until(async () => (await ours()) <= 1, 'its consumer is gone');
  });

  it.each([
    ['since=yesterday', 'since'],
    ['since=-1', 'since'],
    ['types=job.started', 'types[0]'],
    ['job=a.b', 'job'],
    ['from=1', 'from'],
  ])('refuses %s', async (query, path) => {
    const answer = await gateway.json<{ errors: { path: string }[] }>(`/api/events?${query}`, 400);
    expect(answer.errors[0]?.path).toBe(path);
  });

  it('answers HEAD, and ends', async () => {
    const answer = await gateway.fetch('/api/events', { method: 'HEAD' });
    expect(answer.status).toBe(200);
    expect(answer.headers.get('content-type')).toMatch(/^text\/event-stream/);
  });

  it('needs the farm’s token', async () => {
    const answer = await fetch(`${gateway.url}/api/events`);
    expect(answer.status).toBe(401);
    await answer.body?.cancel();
  });

  it('ends with the gateway, and says so', async () => {
    const other = await startTestGateway(context);
    const stream = await listen('/api/events', {}, other);
    await until(() => stream.state.lastId !== '', 'it began');
    await other.stop();
    await until(() => stream.state.ended, 'it ended');
    expect(stream.heard.at(-1)?.event).toMatchObject({ type: 'end', data: { reason: 'The gateway stops.' } });
  });
});

describe('a stream’s limits', () => {
  /** Streams alone, with limits of their own. */
  async function serve(limits: Partial<EventStreamLimits>, recheck = (): void => undefined) {
    const streams = new EventStreams(await context.connectAs('gateway'), context.log, limits);
    const refusals: string[] = [];
    const server: Server = createServer((_request, response) => {
      streams.serve({ types: [], since: '0' }, { response, recheck }).catch((error: unknown) => {
        refusals.push(String(error));
        response.writeHead(503).end();
      });
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    cleanUp.push(async () => {
      await streams.stop();
      server.closeAllConnections();
      server.close();
    });
    return { port: (server.address() as AddressInfo).port, refusals };
  }

  /** A client that decides when it reads. */
  async function ask(port: number): Promise<{ socket: Socket; text: () => string }> {
    const socket = connect(port, '127.0.0.1');
    let text = '';
    socket.setEncoding('utf8').on('data', (piece: string) => (text += piece));
    await once(socket, 'connect');
    socket.write('GET / HTTP/1.1\r\nHost: farm\r\n\r\n');
    cleanUp.push(() => void socket.destroy());
    return { socket, text: () => text };
  }

  it('no more clients than can be served', async () => {
    const { port, refusals } = await serve({ most: 2 });
    const [first] = [await ask(port), await ask(port)];
    await until(() => first.text().includes('text/event-stream'), 'the first began');
    const third = await ask(port);
    await until(() => third.text().startsWith('HTTP/1.1 503'), 'the third was refused');
    expect(refusals[0]).toMatch(/2 event streams are open/);
  });

  it('a client that does not read is dropped, and told why', async () => {
    for (let n = 0; n < 300; n++) await say('j1', control(`${n} ${'x'.repeat(50_000)}`));
    const { port } = await serve({ stallMs: 300 });
    const { socket, text } = await ask(port);
    socket.pause();
    await new Promise((resolve) => setTimeout(resolve, 3_000));
    socket.resume();
    await once(socket, 'close');
    expect(text()).toMatch(/event: end\ndata: .*Nothing was read for 0\.3 s/);
    expect(text()).not.toContain('299 xxx');
  });

  it('a client whose rights end is sent away', async () => {
    let may = true;
    const { port } = await serve({ heartbeatMs: 50 }, () => {
      if (!may) throw new Error('no more');
    });
    const { text } = await ask(port);
    await until(() => text().includes(': here'), 'it lives');
    may = false;
    await until(() => text().includes('event: end'), 'it was sent away');
  });
});
