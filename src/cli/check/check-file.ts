import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { stat } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { findOnPath } from '../../shared/programs/find-on-path.ts';
import { NotDecodable, Unreadable } from '../../shared/quality/decode/not-decodable.ts';
import { decoderOf, formatOf } from '../../shared/quality/file-formats.ts';
import {
  judgePicture,
  judgeUnchecked,
  judgeUnreadable,
  judgeVideo,
  type Judged,
} from '../../shared/quality/judge.ts';
import { measurePicture } from '../../shared/quality/measure-picture.ts';
import type { CompiledPolicy } from '../../shared/quality/policy.ts';
import { measureVideo, type MediaTools } from '../../shared/quality/video/measure-video.ts';

/** A file with what is found in it, and its small picture for the checks of a sequence. */
export interface CheckedFile {
  path: string;
  number: number | null;
  judged: Judged;
  thumbnail: Uint8Array | null;
}

export async function checkFile(
  path: string,
  number: number | null,
  policy: CompiledPolicy,
  signal: AbortSignal,
): Promise<CheckedFile> {
  signal.throwIfAborted();
  try {
    const { size } = await stat(path);
    if (size === 0) throw new Unreadable('is empty');
    if (decoderOf(formatOf(path)) === 'ffmpeg') {
      const video = await measureVideo(path, toolsOf(signal));
      return { path, number, judged: judgeVideo(video, policy, {}, number), thumbnail: null };
    }
    const picture = await measurePicture(path, null);
    const judged = judgePicture(picture, policy, {}, number);
    return { path, number, judged, thumbnail: picture.thumbnail };
  } catch (error) {
    if (error instanceof Unreadable)
      return { path, number, judged: judgeUnreadable(`It ${error.message}.`), thumbnail: null };
    if (error instanceof NotDecodable)
      return { path, number, judged: judgeUnchecked(error.message), thumbnail: null };
    throw error;
  }
}

/** @throws NotDecodable on a machine without FFmpeg */
function toolsOf(signal: AbortSignal): MediaTools {
  const ffmpeg = findOnPath('ffmpeg');
  if (ffmpeg === undefined) throw new NotDecodable('there is no ffmpeg on the PATH, which decodes videos');
  return {
    ffmpeg,
    ffprobe: findOnPath('ffprobe') ?? null,
    run: async ([program, ...args], onLine) => {
      const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'], signal });
      const ended = once(child, 'close') as Promise<[number | null]>;
      for (const stream of [child.stdout, child.stderr]) createInterface(stream).on('line', onLine);
      const [code] = await ended;
      return { code };
    },
  };
}
