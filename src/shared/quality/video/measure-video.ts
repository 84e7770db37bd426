import { Unreadable } from '../decode/not-decodable.ts';
import { FILMS_ONLY } from './films-only.ts';
import { readDetections } from './read-detections.ts';
import { readStreams } from './read-streams.ts';
import type { Stretch } from '../../domain/stretches.ts';

/** How programs are run here. */
export interface MediaTools {
  ffmpeg: string;
  /** Null: what the file says of itself is not known then. */
  ffprobe: string | null;
  /** Runs a program to its end; what it prints comes line by line. Rejects when it could not be run, or was stopped. */
  run: (
    argv: readonly [string, ...string[]],
    onLine: (line: string) => void,
  ) => Promise<{ code: number | null }>;
}

export interface MeasuredVideo {
  /** That decode. */
  frames: number;
  /** That the file says it has. */
  claimedFrames: number | null;
  fps: number | null;
  seconds: number | null;
  width: number | null;
  height: number | null;
  black: readonly Stretch[];
  frozen: readonly Stretch[];
  /** Null where there is no sound. */
  silent: readonly Stretch[] | null;
}

/** The shortest stretches that count, in seconds. What is shorter is a cut or a held drawing. */
const PICTURE_FILTERS = 'blackdetect=d=0.04:pix_th=0.06,freezedetect=n=-60dB:d=0.5';
const SOUND_FILTERS = 'silencedetect=n=-60dB:d=0.1';
/**
 * Decodes a video's picture and sound whole and measures them. FFprobe alone would be content with a file that is cut off.
 * @throws Unreadable
 */
export async function measureVideo(path: string, tools: MediaTools): Promise<MeasuredVideo> {
  const streams = await readStreams(path, tools);
  const sound = streams.hasSound ? ['-map', '0:a:0', '-af', SOUND_FILTERS] : [];
  const lines: string[] = [];
  const problems: string[] = [];
  let frames = 0;
  const { code } = await tools.run(
    [
      ...([tools.ffmpeg, '-nostdin', '-hide_banner', '-nostats', '-v', 'level+info', '-xerror'] as const),
      ...[
        '-progress',
        'pipe:1',
        ...FILMS_ONLY,
        '-i',
        path,
        '-map',
        '0:v:0',
        '-vf',
        PICTURE_FILTERS,
        ...sound,
      ],
      ...['-f', 'null', '-'],
    ],
    (line) => {
      const counted = /^frame=\s*(\d+)/.exec(line);
      if (counted) frames = Number(counted[1]);
      else if (/\[(?:error|fatal|panic)\]/.test(line)) problems.push(line.replace(/\[[^\]]*\] */g, ''));
      else if (/(?:black|freeze|silence)_/.test(line)) lines.push(line);
    },
  );
  if (code !== 0 || problems.length > 0)
    throw new Unreadable(`does not decode (${problems[0] ?? `FFmpeg ended with ${code ?? 'a signal'}`})`);
  const seconds = streams.seconds ?? (streams.fps === null ? null : frames / streams.fps);
  const { black, frozen, silent } = readDetections(lines, seconds ?? 0);
  const { hasSound, ...told } = streams;
  return { ...told, frames, seconds, black, frozen, silent: hasSound ? silent : null };
}
