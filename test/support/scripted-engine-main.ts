import { appendFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import { z } from 'zod';
import { messageOf } from '../../src/shared/domain/errors.ts';
import {
  EngineFailure,
  type Engine,
  type EngineSession,
  type RenderedFrame,
} from '../../src/worker/engines/engine.ts';
import { shippedEngines } from '../../src/worker/engines/index.ts';
import { spawnEngine } from '../../src/worker/execution/engine-process.ts';
import { startWorker } from '../../src/worker/start-worker.ts';

/** What a task's settings make the engine do with each frame. */
const settingsSchema = z.object({
  /** `truncated`: a PNG without its end; `fill`: fills the disk; `hang`: never comes back and ignores signals; `crash`: the process ends. */
  behaviour: z.enum(['picture', 'truncated', 'hang', 'crash', 'missing', 'fill']).default('picture'),
  ms: z.number().default(0),
  /** File to which the number of each frame is appended when its rendering begins. */
  journal: z.string().optional(),
  width: z.number().default(32),
  /** A picture that does not compress. */
  noise: z.boolean().default(false),
});

/** A worker with one engine more, whose frames go as wrong as a test wants. Its renders are real processes. */
const scriptedEngine: Engine = {
  id: 'scripted',
  timeouts: { start: 10, silence: 0, frame: 60 },
  reusable: true,
  detect: () => Promise.resolve({ version: '1.0', features: [], program: '/bin/sh' }),
  open: async (spec): Promise<EngineSession> => {
    const settings = settingsSchema.parse(spec.settings);
    spec.log(`open ${spec.scenePath ?? 'nothing'}`);
    const runScript = async (script: string, signal: AbortSignal): Promise<void> => {
      const engine = spawnEngine({
        argv: ['sh', '-c', script],
        cwd: spec.workDir,
        workDir: spec.workDir,
        memoryLimitBytes: spec.memoryLimitBytes,
        log: spec.log,
        signal: spec.signal,
      });
      const onAbort = (): void => void engine.stop({ graceMs: 500 });
      signal.addEventListener('abort', onAbort, { once: true });
      const exit = await engine.exited;
      signal.removeEventListener('abort', onAbort);
      if (exit.failure) throw exit.failure;
      if (exit.code !== 0)
        throw new EngineFailure('engine-crash', `The engine ended with ${exit.code ?? exit.signal ?? ''}`);
    };
    return {
      render: async ({ frame, outDir, signal }): Promise<RenderedFrame> => {
        if (settings.journal !== undefined) await appendFile(settings.journal, `${frame}\n`);
        const script = {
          picture: `echo "frame ${frame}"; sleep ${settings.ms / 1000}`,
          truncated: 'true',
          missing: 'true',
          crash: 'echo "it broke" >&2; kill -SEGV $$',
          fill: `head -c 500000000 /dev/zero > '${outDir}/fill'`,
          hang: 'trap "" INT TERM; sleep 1000 & sleep 1000',
        }[settings.behaviour];
        await runScript(script, signal);
        const path = join(outDir, 'out.png');
        const background = { r: frame % 256, g: 80, b: 160 };
        const noise = settings.noise ? ({ noise: { type: 'gaussian', mean: 128, sigma: 60 } } as const) : {};
        const picture = sharp({
          create: { width: settings.width, height: 24, channels: 3, background, ...noise },
        });
        const png = await picture.png().toBuffer();
        if (settings.behaviour === 'truncated') await writeFile(path, png.subarray(0, png.length - 20));
        else if (settings.behaviour !== 'missing') await writeFile(path, png);
        return {
          files: [{ name: 'main', path }],
          seconds: settings.ms / 1000,
          peakMemoryBytes: 1,
          warnings: [],
        };
      },
      close: () => Promise.resolve(),
      memoryBytes: () => 0,
    };
  },
};

try {
  await startWorker(process.env, [...shippedEngines(), scriptedEngine]);
} catch (error) {
  process.stderr.write(`The worker cannot start: ${messageOf(error)}\n`);
  process.exit(1);
}
