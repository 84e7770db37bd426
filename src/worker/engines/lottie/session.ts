import { rename, writeFile } from 'node:fs/promises';
import { writeSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import type { CanvasKit } from 'canvaskit-wasm';
import sharp from 'sharp';
import { messageOf } from '../../../shared/domain/errors.ts';
import { EngineFailure } from '../engine.ts';
import type { SessionReply } from '../session-protocol.ts';
import { sessionRequests } from '../session-requests.ts';
import { canvaskitVersion } from './canvaskit-version.ts';
import { LottieRenderer, type LottieOptions } from './renderer.ts';

/**
 * The process of a Lottie session (see session-protocol.ts): Skottie runs in WebAssembly, so that a hostile animation has
 * only this process to hang or bring down.
 */
type Request =
  | { type: 'load'; options: LottieOptions; threads: number }
  | { type: 'render'; id: number; frame: number; outDir: string }
  | { type: 'quit' };

const REPLIES = 3;
const require = createRequire(import.meta.url);
let renderer: LottieRenderer | undefined;
let format = 'png';

function reply(message: SessionReply): void {
  writeSync(REPLIES, `${JSON.stringify(message)}\n`);
}

function replyFailure(id: number | null, error: unknown): void {
  const known = error instanceof EngineFailure;
  reply({
    type: 'fail',
    id,
    class: known ? error.failure : 'engine-crash',
    message: messageOf(error).slice(0, 4_000),
    usable: known && error.sessionUsable,
  });
}

async function handle(request: Request, kit: CanvasKit): Promise<void> {
  const start = performance.now();
  const seconds = (): number => (performance.now() - start) / 1000;
  if (request.type === 'load') {
    sharp.concurrency(request.threads);
    format = request.options.format;
    renderer?.dispose();
    renderer = undefined; // whatever comes of the next one
    renderer = await LottieRenderer.open(kit, request.options);
    reply({ type: 'loaded', seconds: seconds(), warnings: [...renderer.warnings] });
  } else if (request.type === 'render') {
    if (!renderer)
      throw new EngineFailure('engine-crash', 'A frame was asked for before the scene was loaded.');
    const path = join(request.outDir, `frame.${format}`);
    await writeFile(`${path}.part`, await renderer.render(request.frame));
    await rename(`${path}.part`, path);
    const outputs = [{ name: 'main', path }];
    reply({ type: 'done', id: request.id, seconds: seconds(), outputs, warnings: [...renderer.warnings] });
  }
}

async function main(): Promise<void> {
  const init = require('canvaskit-wasm/full') as () => Promise<CanvasKit>;
  const kit = await init();
  reply({ type: 'ready', version: canvaskitVersion(), features: [] });
  for await (const message of sessionRequests(process.stdin as AsyncIterable<Buffer>)) {
    const request = message as Request;
    if (request.type === 'quit') break;
    try {
      await handle(request, kit);
    } catch (error) {
      replyFailure(request.type === 'render' ? request.id : null, error);
    }
  }
}

await main();
