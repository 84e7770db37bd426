import { rename, writeFile } from 'node:fs/promises';
import { writeSync } from 'node:fs';
import { join } from 'node:path';
import { messageOf } from '../../../shared/domain/errors.ts';
import { EngineFailure } from '../engine.ts';
import type { SessionReply } from '../session-protocol.ts';
import { sessionRequests } from '../session-requests.ts';
import { CdpClosed } from './cdp-connection.ts';
import { launchChromium, type Chromium } from './launch-chromium.ts';
import { HtmlRenderer, type HtmlOptions } from './renderer.ts';

/**
 * The process of a session (see session-protocol.ts): it holds Chromium, its child, and ends with it. Requests come one at
 * a time.
 */
type Request =
  | { type: 'load'; options: HtmlOptions; threads: number }
  | { type: 'render'; id: number; frame: number; outDir: string }
  | { type: 'quit' };

const REPLIES = 3;
/** Chromium starts before anybody knows the scene. The worker gives a session's processes a folder of its own as HOME. */
const PROGRAM = process.argv[2] ?? '';
const WORK_DIR = process.env['HOME'] ?? '';
let renderer: HtmlRenderer | undefined;

function reply(message: SessionReply): void {
  writeSync(REPLIES, `${JSON.stringify(message)}\n`);
}

function replyFailure(id: number | null, error: unknown): void {
  const known = error instanceof EngineFailure;
  const message = error instanceof CdpClosed ? 'Chromium ended while the page was open.' : messageOf(error);
  reply({
    type: 'fail',
    id,
    class: known ? error.failure : 'engine-crash',
    message: message.slice(0, 4_000),
    usable: known && error.sessionUsable,
  });
}

async function handle(request: Request, chromium: Chromium): Promise<void> {
  const start = performance.now();
  const seconds = (): number => (performance.now() - start) / 1000;
  if (request.type === 'load') {
    await renderer?.close();
    renderer = undefined; // whatever comes of the next one
    renderer = await HtmlRenderer.open(chromium.connection, request.options, request.threads);
    reply({ type: 'loaded', seconds: seconds(), warnings: [] });
  } else if (request.type === 'render') {
    if (!renderer)
      throw new EngineFailure('engine-crash', 'A frame was asked for before the scene was loaded.');
    const { bytes, warnings, format } = await renderer.render(request.frame);
    const path = join(request.outDir, `frame.${format}`);
    await writeFile(`${path}.part`, bytes);
    await rename(`${path}.part`, path);
    reply({ type: 'done', id: request.id, seconds: seconds(), outputs: [{ name: 'main', path }], warnings });
  }
}

async function main(): Promise<void> {
  const chromium = await launchChromium(PROGRAM, WORK_DIR).catch((error: unknown) => {
    process.stderr.write(`Chromium did not start: ${messageOf(error)}\n`);
    process.exit(1);
  });
  reply({ type: 'ready', version: chromium.version, features: [] });
  for await (const message of sessionRequests(process.stdin as AsyncIterable<Buffer>)) {
    const request = message as Request;
    if (request.type === 'quit') break;
    try {
      await handle(request, chromium);
    } catch (error) {
      replyFailure(request.type === 'render' ? request.id : null, error);
    }
  }
  await chromium.close();
}

await main();
