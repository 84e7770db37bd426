import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { PreviewFrame } from '../../shared/contracts/messages.ts';
import { FILMS_ONLY } from '../../shared/quality/video/films-only.ts';
import type { FrameState } from '../../shared/domain/states.ts';
import { spawnEngine } from '../execution/engine-process.ts';
import type { SheetCell, Size } from './helper-requests.ts';
import { LOWEST_PRIORITY, type PreviewHelper } from './preview-helper.ts';

/** A frame of a preview, with its picture where there is one on this machine already. */
export interface ShownFrame extends PreviewFrame {
  /** Of the preview's size. */
  picture: string | null;
}

const COLUMNS = 10;
/** Of a step of which no picture could be had. */
const USUAL_SIZE: Size = { width: 160, height: 90 };
const PROXY_MEMORY_BYTES = 2_000_000_000;
const ENDED_BADLY: readonly FrameState[] = ['failed', 'held', 'skipped', 'cancelled'];

const noteOf = ({ state }: PreviewFrame): string => (state === 'done' ? 'no picture' : state);

/** All frames in one picture. @returns its path */
export async function makeContactSheet(
  frames: readonly ShownFrame[],
  size: Size | null,
  folder: string,
  helper: PreviewHelper,
  signal: AbortSignal,
): Promise<string> {
  const to = join(folder, 'sheet.jpg');
  const cells: SheetCell[] = frames.map((frame) => ({
    label: String(frame.frame),
    picture: frame.picture,
    note: noteOf(frame),
    isFailure: ENDED_BADLY.includes(frame.state),
  }));
  const columns = Math.max(1, Math.min(COLUMNS, cells.length));
  await helper.ask({ do: 'sheet', to, columns, cell: size ?? USUAL_SIZE, cells }, signal);
  return to;
}

/** The picture of the proxy's n-th frame, counted from 0, for FFmpeg to find. */
export const proxyPicture = (folder: string, index: number): string =>
  join(folder, `f_${String(index).padStart(8, '0')}.jpg`);

/** Pictures that stand where a frame has none, each with its frame and why. */
export async function addSlates(
  frames: readonly ShownFrame[],
  size: Size,
  folder: string,
  helper: PreviewHelper,
  signal: AbortSignal,
): Promise<void> {
  for (const [i, frame] of frames.entries())
    if (frame.picture === null)
      await helper.ask(
        {
          ...{ do: 'slate', to: proxyPicture(folder, i), ...size },
          lines: [`frame ${frame.frame}`, noteOf(frame)],
        },
        signal,
      );
}

/**
 * Pictures `f_<n>.jpg` of a folder as H.264 in MP4, which every browser plays while it is still being loaded.
 * @returns its path
 * @throws EngineFailure; Error when FFmpeg fails; the signal's reason
 */
export async function makeProxy(
  folder: string,
  fps: number,
  ffmpeg: string,
  signal: AbortSignal,
): Promise<string> {
  const to = join(folder, 'proxy.mp4');
  const encoding = spawnEngine({
    argv: [
      ffmpeg,
      ...['-hide_banner', '-nostdin', '-nostats', '-loglevel', 'error', '-y'],
      ...['-protocol_whitelist', 'file', '-framerate', String(fps), '-start_number', '0'],
      ...['-f', 'image2', '-i', 'f_%08d.jpg'],
      ...['-vf', 'scale=out_color_matrix=bt709:out_range=tv,format=yuv420p'],
      ...['-c:v', 'libx264', '-preset', 'veryfast', '-crf', '26', '-g', '24', '-threads', '1'],
      ...['-colorspace', 'bt709', '-color_primaries', 'bt709', '-color_trc', 'bt709', '-color_range', 'tv'],
      ...['-movflags', '+faststart', '-fflags', '+bitexact', '-flags:v', '+bitexact', '-f', 'mp4', to],
    ],
    cwd: folder,
    workDir: folder,
    memoryLimitBytes: PROXY_MEMORY_BYTES,
    nice: LOWEST_PRIORITY,
    log: () => undefined,
    signal,
  });
  const { code, failure, lastLines } = await encoding.exited;
  signal.throwIfAborted();
  if (failure) throw failure;
  if (code !== 0) throw new Error(`FFmpeg made no proxy video: ${lastLines[0] ?? 'it gave no reason'}`);
  return to;
}

/** One second into a video, where most no longer are black; the beginning of a shorter one. @returns the picture's path */
export async function pictureOfVideo(
  video: string,
  folder: string,
  ffmpeg: string,
  signal: AbortSignal,
): Promise<string> {
  const to = join(folder, 'of-video.png');
  for (const seconds of ['1', '0']) {
    const looking = spawnEngine({
      argv: [
        ffmpeg,
        ...['-hide_banner', '-nostdin', '-nostats', '-loglevel', 'error', '-y'],
        ...[...FILMS_ONLY, '-ss', seconds, '-i', video],
        ...['-map', '0:v:0', '-frames:v', '1', '-update', '1', '-f', 'image2', '-c:v', 'png', to],
      ],
      cwd: folder,
      workDir: folder,
      memoryLimitBytes: PROXY_MEMORY_BYTES,
      nice: LOWEST_PRIORITY,
      log: () => undefined,
      signal,
    });
    const { failure } = await looking.exited;
    signal.throwIfAborted();
    if (failure) throw failure;
    if (await isFile(to)) return to;
  }
  throw new Error('FFmpeg found no picture in it');
}

const isFile = (path: string): Promise<boolean> =>
  stat(path).then(
    ({ size }) => size > 0,
    () => false,
  );
