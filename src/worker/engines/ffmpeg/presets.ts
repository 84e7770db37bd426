/** What the pictures are encoded as. */
const PRESET_NAMES = ['h264', 'h265', 'prores', 'vp9', 'gif'] as const;
export type PresetName = (typeof PRESET_NAMES)[number];

export interface PresetOptions {
  crf: number | undefined;
  /** x264's and x265's: how much time is spent. */
  speed: string | undefined;
  hasAlpha: boolean;
}

export interface EncodePreset {
  /** The file's ending, and FFmpeg's name of the container. */
  extension: string;
  container: string;
  /** Keeps transparency; others show it on black. */
  keepsAlpha: boolean;
  /** Both sides, or the width only, must be even numbers of pixels. */
  even: 'both' | 'width' | 'none';
  /** null: indexed colours, made in a pass of their own. */
  pixelFormat: (hasAlpha: boolean) => string | null;
  video: (options: PresetOptions) => string[];
  /** null: it has no sound. */
  audio: readonly string[] | null;
}

const AAC = ['-c:a', 'aac', '-b:a', '192k'] as const;
const FAST_START = ['-movflags', '+faststart'] as const;

export const PRESETS: Readonly<Record<PresetName, EncodePreset>> = {
  /** Every browser and player shows it. */
  h264: {
    extension: 'mp4',
    container: 'mp4',
    keepsAlpha: false,
    even: 'both',
    pixelFormat: () => 'yuv420p',
    video: ({ crf = 18, speed = 'medium' }) => [
      ...['-c:v', 'libx264', '-preset', speed, '-crf', String(crf)],
      ...FAST_START,
    ],
    audio: AAC,
  },
  /** The tag `hvc1` is what Apple's players ask for. */
  h265: {
    extension: 'mp4',
    container: 'mp4',
    keepsAlpha: false,
    even: 'both',
    pixelFormat: () => 'yuv420p',
    video: ({ crf = 22, speed = 'medium' }) => [
      ...['-c:v', 'libx265', '-preset', speed, '-crf', String(crf)],
      ...['-x265-params', 'log-level=error', '-tag:v', 'hvc1', ...FAST_START],
    ],
    audio: AAC,
  },
  /** Apple ProRes 422 HQ, for editing. */
  prores: {
    extension: 'mov',
    container: 'mov',
    keepsAlpha: false,
    even: 'width',
    pixelFormat: () => 'yuv422p10le',
    video: () => ['-c:v', 'prores_ks', '-profile:v', '3', '-vendor', 'apl0'],
    audio: ['-c:a', 'pcm_s16le'],
  },
  vp9: {
    extension: 'webm',
    container: 'webm',
    keepsAlpha: true,
    even: 'both',
    pixelFormat: (hasAlpha) => (hasAlpha ? 'yuva420p' : 'yuv420p'),
    video: ({ crf = 31, hasAlpha }) => [
      ...['-c:v', 'libvpx-vp9', '-crf', String(crf), '-b:v', '0', '-row-mt', '1', '-cpu-used', '2'],
      // Frames that are never shown cannot have an alpha channel.
      ...(hasAlpha ? ['-auto-alt-ref', '0'] : []),
    ],
    audio: ['-c:a', 'libopus', '-b:a', '128k'],
  },
  gif: {
    extension: 'gif',
    container: 'gif',
    keepsAlpha: true,
    even: 'none',
    pixelFormat: () => null,
    video: () => ['-c:v', 'gif', '-loop', '0'],
    audio: null,
  },
};

/** The usual one for a file's ending; h264 where nothing else is said. */
export function presetOf(name: string | undefined, extension: string): PresetName {
  const known = PRESET_NAMES.find((preset) => preset === name);
  return known ?? PRESET_NAMES.find((preset) => PRESETS[preset].extension === extension) ?? 'h264';
}
