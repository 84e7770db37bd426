import { stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { TaskMessage } from '../../shared/contracts/messages.ts';
import { isProgram } from '../../shared/programs/find-on-path.ts';
import { NotDecodable, Unreadable } from '../../shared/quality/decode/not-decodable.ts';
import { judgeUnchecked, judgeVideo, type Judged } from '../../shared/quality/judge.ts';
import { CompiledPolicy } from '../../shared/quality/policy.ts';
import { measureVideo, type MediaTools } from '../../shared/quality/video/measure-video.ts';
import { EngineFailure } from '../engines/engine.ts';
import { spawnEngine } from '../execution/engine-process.ts';
import type { FileLooker } from './looking/file-looker.ts';
import type { Look } from './looking/look-messages.ts';

const VIDEO_SECONDS = 3_600;
const VIDEO_MEMORY_BYTES = 4_000_000_000;

export interface LookOptions {
  output: TaskMessage['output'];
  policy: TaskMessage['quality'];
  looker: FileLooker;
  /** FFmpeg of this machine, which decodes videos; without it they stay unchecked. */
  ffmpeg: string | undefined;
  /** A folder for scratch files, made when it is asked for. */
  workDir: () => Promise<string>;
  signal: AbortSignal;
}

/** A file that was read, decoded and judged. */
export type LookedAt = Omit<Look, 'judged' | 'unreadable'> & { judged: Judged };

/**
 * Reads, decodes and judges a whole result, so that nothing broken is ever taken for a frame. What is unreadable, empty or
 * of another size than the job asked for is no result at all; whatever else is found goes with the frame.
 * @param frame its number
 * @throws EngineFailure `bad-output`
 */
export async function lookAtFile(path: string, frame: number, options: LookOptions): Promise<LookedAt> {
  await stat(path).catch((error: unknown) => {
    throw badOutput(path, 'was not written', error);
  });
  const { looker, policy = null, output } = options;
  const look = await looker.look({ path, frame, policy, output }, options.signal);
  options.signal.throwIfAborted();
  if (look.unreadable !== null) throw badOutput(path, look.unreadable);
  const judged = look.judged ?? (await judgeFilm(path, frame, options));
  return { ...look, judged };
}

async function judgeFilm(path: string, frame: number, options: LookOptions): Promise<Judged> {
  const { ffmpeg, output } = options;
  if (ffmpeg === undefined) return judgeUnchecked('this worker has no FFmpeg, which decodes videos');
  try {
    const video = await measureVideo(path, toolsOf(ffmpeg, await options.workDir(), options.signal));
    const { width, height } = output;
    const isOther = video.width !== null && width !== undefined && height !== undefined;
    if (isOther && (video.width !== width || video.height !== height))
      throw badOutput(
        path,
        `is ${video.width} × ${video.height ?? 0} pixels instead of ${width} × ${height}`,
      );
    return judgeVideo(video, new CompiledPolicy(options.policy), output, frame);
  } catch (error) {
    if (error instanceof NotDecodable) return judgeUnchecked(error.message);
    if (error instanceof Unreadable) throw badOutput(path, error.message, error);
    throw error;
  }
}

function toolsOf(ffmpeg: string, workDir: string, signal: AbortSignal): MediaTools {
  const ffprobe = join(dirname(ffmpeg), 'ffprobe');
  return {
    ffmpeg,
    ffprobe: isProgram(ffprobe) ? ffprobe : null,
    run: async (argv, onLine) => {
      const program = spawnEngine({
        argv,
        cwd: workDir,
        workDir,
        memoryLimitBytes: VIDEO_MEMORY_BYTES,
        startTimeoutSeconds: VIDEO_SECONDS,
        log: onLine,
        signal,
      });
      const { failure, code } = await program.exited;
      signal.throwIfAborted();
      if (failure) throw failure;
      return { code };
    },
  };
}

function badOutput(path: string, what: string, cause?: unknown): EngineFailure {
  const name = path.slice(path.lastIndexOf('/') + 1);
  return new EngineFailure('bad-output', `The file ${name} ${what}.`, {
    sessionUsable: true,
    ...(cause === undefined ? {} : { cause }),
  });
}
