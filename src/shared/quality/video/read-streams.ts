import { z } from 'zod';
import { Unreadable } from '../decode/not-decodable.ts';
import { FILMS_ONLY } from './films-only.ts';
import type { MediaTools } from './measure-video.ts';

export interface Streams {
  claimedFrames: number | null;
  fps: number | null;
  seconds: number | null;
  width: number | null;
  height: number | null;
  hasSound: boolean;
}

const UNKNOWN: Streams = {
  ...{ claimedFrames: null, fps: null, seconds: null },
  ...{ width: null, height: null, hasSound: false },
};

const reportSchema = z.object({
  streams: z.array(
    z.object({
      codec_type: z.string().optional(),
      width: z.number().optional(),
      height: z.number().optional(),
      avg_frame_rate: z.string().optional(),
      nb_frames: z.string().optional(),
    }),
  ),
  format: z.object({ duration: z.string().optional() }),
});

/** What a video says of itself. @throws Unreadable when it has no picture, or nothing that FFprobe understands */
export async function readStreams(path: string, { ffprobe, run }: MediaTools): Promise<Streams> {
  if (ffprobe === null) return UNKNOWN;
  const lines: string[] = [];
  const entries = 'stream=codec_type,width,height,avg_frame_rate,nb_frames:format=duration';
  const options = ['-v', 'error', ...FILMS_ONLY, '-of', 'json', '-show_entries', entries];
  const { code } = await run([ffprobe, ...options, path], (line) => lines.push(line));
  // What it has to complain of stands before or after its report.
  const [begin, end] = [lines.indexOf('{'), lines.lastIndexOf('}')];
  if (code !== 0 || begin < 0) throw new Unreadable(`does not decode (${lines[0] ?? 'FFprobe failed'})`);
  const { streams, format } = reportSchema.parse(JSON.parse(lines.slice(begin, end + 1).join('\n')));
  const video = streams.find(({ codec_type }) => codec_type === 'video');
  if (!video) throw new Unreadable('has no picture');
  return {
    claimedFrames: numberOf(video.nb_frames),
    fps: rateOf(video.avg_frame_rate),
    seconds: numberOf(format.duration),
    width: video.width ?? null,
    height: video.height ?? null,
    hasSound: streams.some(({ codec_type }) => codec_type === 'audio'),
  };
}

function numberOf(text: string | undefined): number | null {
  const value = Number(text ?? NaN);
  return Number.isFinite(value) && value > 0 ? value : null;
}

/** `24000/1001`. */
function rateOf(text: string | undefined): number | null {
  const [above, below] = (text ?? '').split('/').map(Number);
  return above && below ? above / below : null;
}
