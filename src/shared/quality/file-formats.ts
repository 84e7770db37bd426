import { extname } from 'node:path';

const CONTENT_TYPES: Readonly<Record<string, string>> = {
  png: 'image/png',
  jpg: 'image/jpeg',
  jpeg: 'image/jpeg',
  webp: 'image/webp',
  tif: 'image/tiff',
  tiff: 'image/tiff',
  exr: 'image/x-exr',
  hdr: 'image/vnd.radiance',
  mp4: 'video/mp4',
  mov: 'video/quicktime',
  webm: 'video/webm',
  mkv: 'video/x-matroska',
  gif: 'image/gif',
};

const SHARP_FORMATS: ReadonlySet<string> = new Set(['png', 'jpg', 'jpeg', 'webp', 'tif', 'tiff']);
const VIDEO_FORMATS: ReadonlySet<string> = new Set(['mp4', 'mov', 'webm', 'mkv', 'gif']);

/** The file's ending without the dot, in lower case: what it claims to be. */
export const formatOf = (path: string): string => extname(path).slice(1).toLowerCase();

export const contentTypeOf = (path: string): string =>
  CONTENT_TYPES[formatOf(path)] ?? 'application/octet-stream';

/** By what a file of this format is decoded; null: by nothing here. */
export function decoderOf(format: string): 'sharp' | 'exr' | 'radiance' | 'ffmpeg' | null {
  if (SHARP_FORMATS.has(format)) return 'sharp';
  if (format === 'exr') return 'exr';
  if (format === 'hdr') return 'radiance';
  return VIDEO_FORMATS.has(format) ? 'ffmpeg' : null;
}
