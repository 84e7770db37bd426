import { pictureFilters, type FilterRequest } from './filters.ts';
import type { BurnIn } from './burn-in.ts';
import type { View } from '../../colour/display-view.ts';

/** By the schema in engine.yaml. */
export interface FfmpegSettings {
  encode?: string;
  crf?: number;
  preset?: string;
  /** A sound file, as `asset:<sha256>/<path>`. */
  audio?: string;
  gaps?: 'fail' | 'hold' | 'slate';
  view?: View;
  exposure?: number;
  burnIn?: BurnIn;
}

export interface EncodeRequest extends FilterRequest {
  crf: number | undefined;
  speed: string | undefined;
  fps: number;
  /** How many pictures. */
  frames: number;
  hasAudio: boolean;
  threads: number;
}

/** Names in the working folder; nothing from outside reaches the command line. */
export const SEQUENCE = 'f_%08d';
export const AUDIO = 'audio';
const PALETTE = 'palette.png';

export const videoName = (extension: string): string => `video.${extension}`;

const QUIET = ['-hide_banner', '-nostdin', '-nostats', '-loglevel', 'warning'];
/** A picture or sound file must not make FFmpeg open anything else, nor be read past an error. */
const STRICT = ['-protocol_whitelist', 'file', '-err_detect', 'explode'];
const AUDIO_FORMATS = 'wav,w64,mp3,flac,ogg,aac,aiff,mov,mp4,m4a,3gp,3g2,mj2,matroska,webm';

/** The runs of FFmpeg that make the video; only the last one writes it. */
export function encodeRuns(request: EncodeRequest): string[][] {
  return request.preset.pixelFormat(false) === null
    ? [paletteArguments(request), paletteUseArguments(request)]
    : [encodeArguments(request)];
}

function encodeArguments(request: EncodeRequest): string[] {
  const { preset, crf, speed } = request;
  const hasAlpha = request.hasAlpha && preset.keepsAlpha;
  const audioIn = request.hasAudio ? [...STRICT, '-format_whitelist', AUDIO_FORMATS, '-i', AUDIO] : [];
  // Silence is appended to sound that is too short, and what is longer than the pictures is cut; `-shortest` does so late.
  const seconds = (request.frames / request.fps).toFixed(6);
  const audioOut = ['-map', '1:a:0', '-af', 'apad', ...(preset.audio ?? []), '-t', seconds];
  return [
    ...picturesIn(request),
    ...audioIn,
    ...['-map', '0:v:0'],
    ...(request.hasAudio ? audioOut : []),
    ...['-vf', pictureFilters(request).join(',')],
    ...preset.video({ crf, speed, hasAlpha }),
    ...out(request),
  ];
}

/** The 256 colours that suit all pictures together best. */
function paletteArguments(request: EncodeRequest): string[] {
  const filters = [...pictureFilters(request), 'palettegen=max_colors=256'];
  return [
    ...picturesIn(request),
    ...['-vf', filters.join(','), '-frames:v', '1', '-update', '1'],
    ...['-progress', 'pipe:3', '-f', 'image2', PALETTE],
  ];
}

function paletteUseArguments(request: EncodeRequest): string[] {
  const { preset } = request;
  const filters = pictureFilters(request).join(',') || 'null';
  return [
    ...picturesIn(request),
    ...['-i', PALETTE, '-filter_complex', `[0:v]${filters}[pictures];[pictures][1:v]paletteuse`],
    ...preset.video({ crf: undefined, speed: undefined, hasAlpha: request.hasAlpha }),
    ...out(request),
  ];
}

function picturesIn({ fps, extension }: EncodeRequest): string[] {
  return [
    ...QUIET,
    '-xerror',
    '-y',
    ...STRICT,
    ...['-framerate', String(fps), '-start_number', '0', '-f', 'image2'],
    ...['-i', `${SEQUENCE}.${extension}`],
  ];
}

function out({ preset, threads }: EncodeRequest): string[] {
  return [
    ...['-fflags', '+bitexact', '-flags:v', '+bitexact', '-threads', String(threads)],
    ...['-progress', 'pipe:3', '-f', preset.container, videoName(preset.extension)],
  ];
}

/** Decodes all of the result; the frames are counted by `-progress`. */
export function checkArguments(extension: string, threads: number): string[] {
  return [
    ...QUIET,
    '-xerror',
    ...['-threads', String(threads)],
    ...STRICT,
    ...['-i', videoName(extension), '-map', '0'],
    ...['-fps_mode:v', 'passthrough', '-progress', 'pipe:3', '-f', 'null', '-'],
  ];
}
