import { setTimeout as sleep } from 'node:timers/promises';
import { settingsOf } from '../checked-settings.ts';
import { EngineFailure, type Engine, type EngineSession, type RenderedFrame } from '../engine.ts';

/** Renders nothing and stores nothing: what remains is the farm's own time. `frameMs` pretends that a frame takes long. */
export const nullEngine: Engine = {
  id: 'null',
  timeouts: { start: 10, silence: 0, frame: 3_700 },
  reusable: true,
  detect: () => Promise.resolve({ version: '1', features: [], program: process.execPath }),
  open: (spec) => {
    const { frameMs = 0, logTimes = false } = settingsOf('null', spec.settings) as {
      frameMs?: number;
      logTimes?: boolean;
    };
    const limitSeconds = spec.timeouts.frameSeconds;
    return Promise.resolve(nullSession({ frameMs, limitSeconds, log: logTimes ? spec.log : undefined }));
  },
};

interface NullSessionOptions {
  frameMs: number;
  limitSeconds: number;
  /** Told when each frame begins and ends, by the machine's monotonic clock in nanoseconds. */
  log: ((line: string) => void) | undefined;
}

function nullSession({ frameMs, limitSeconds, log }: NullSessionOptions): EngineSession {
  return {
    render: async ({ signal }): Promise<RenderedFrame> => {
      log?.(`told ${process.hrtime.bigint()}`);
      const start = performance.now();
      if (frameMs > 0) await pause(Math.min(frameMs, limitSeconds * 1000), signal);
      if (frameMs > limitSeconds * 1000) {
        throw new EngineFailure('timeout', `The frame takes ${frameMs} ms; its limit is ${limitSeconds} s.`, {
          sessionUsable: true,
        });
      }
      log?.(`done ${process.hrtime.bigint()}`);
      return {
        files: [],
        seconds: (performance.now() - start) / 1000,
        peakMemoryBytes: null,
        warnings: [],
      };
    },
    close: () => Promise.resolve(),
    memoryBytes: () => 0,
  };
}

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  try {
    await sleep(ms, undefined, { signal });
  } catch (error) {
    throw new EngineFailure('engine-crash', 'The frame was stopped.', { sessionUsable: true, cause: error });
  }
}
