/** By the schema in engine.yaml. */
export interface FfmpegSettings {
  crf?: number;
  preset?: string;
  /** A sound file, as `asset:<sha256>/<path>`. */
  audio?: string;
}

export interface EncodeRequest {
  settings: FfmpegSettings;
  fps: number;
  /** How many pictures. */
  frames: number;
  /** Size asked for; the pictures are fitted into it. */
  width: number | undefined;
  height: number | undefined;
  extension: string;
  hasAlpha: boolean;
  hasAudio: boolean;
  threads: number;
}

/** Names in the working folder; nothing from outside reaches the command line. */
export const SEQUENCE = 'f_%08d';
export const AUDIO = 'audio';
export const VIDEO = 'video.mp4';

const QUIET = ['-hide_banner', '-nostdin', '-nostats', '-loglevel', 'warning'];
/** A picture or sound file must not make FFmpeg open anything else, nor be read past an error. */
const STRICT = ['-protocol_whitelist', 'file', '-err_detect', 'explode'];
const AUDIO_FORMATS = 'wav,w64,mp3,flac,ogg,aac,aiff,mov,mp4,m4a,3gp,3g2,mj2,matroska,webm';

/** Pictures to H.264 in MP4, which every browser and player shows: 4:2:0, BT.709, index in front. */
export function encodeArguments(request: EncodeRequest): string[] {
  const { settings, threads } = request;
  const audioIn = request.hasAudio ? [...STRICT, '-format_whitelist', AUDIO_FORMATS, '-i', AUDIO] : [];
  // Silence is appended to sound that is too short, and what is longer than the pictures is cut; `-shortest` does so late.
  const seconds = (request.frames / request.fps).toFixed(6);
  const audioOut = ['-map', '1:a:0', '-af', 'apad', '-c:a', 'aac', '-b:a', '192k', '-t', seconds];
  return [
    ...QUIET,
    '-xerror',
    '-y',
    ...STRICT,
    ...['-framerate', String(request.fps), '-start_number', '0', '-f', 'image2'],
    ...['-i', `${SEQUENCE}.${request.extension}`],
    ...audioIn,
    ...['-map', '0:v:0'],
    ...(request.hasAudio ? audioOut : []),
    ...['-vf', filters(request)],
    ...['-c:v', 'libx264', '-preset', settings.preset ?? 'medium', '-crf', String(settings.crf ?? 18)],
    ...['-movflags', '+faststart', '-fflags', '+bitexact', '-flags:v', '+bitexact'],
    ...['-threads', String(threads), '-progress', 'pipe:3', '-f', 'mp4', VIDEO],
  ];
}

/** Decodes all of the result; the frames are counted by `-progress`. */
export function checkArguments(threads: number): string[] {
  return [
    ...QUIET,
    '-xerror',
    ...['-threads', String(threads)],
    ...STRICT,
    ...['-i', VIDEO, '-map', '0', '-fps_mode:v', 'passthrough', '-progress', 'pipe:3', '-f', 'null', '-'],
  ];
}

function filters({ width, height, hasAlpha, extension }: EncodeRequest): string {
  const steps: string[] = extension === 'exr' ? exrToSrgb() : [];
  // Transparent pictures are flattened on black.
  if (hasAlpha) steps.push('format=gbrap', 'premultiply=inplace=1', 'format=gbrp');
  const [w, h] = [even(width), even(height)];
  if (w !== undefined && h !== undefined) {
    steps.push(`scale=${w}:${h}:force_original_aspect_ratio=decrease:force_divisible_by=2`);
    steps.push(`pad=${w}:${h}:(ow-iw)/2:(oh-ih)/2`);
  } else if (w !== undefined || h !== undefined) {
    steps.push(`scale=${w ?? -2}:${h ?? -2}`);
  } else {
    // 4:2:0 needs even sides: an odd one gets a black row or column.
    steps.push('pad=ceil(iw/2)*2:ceil(ih/2)*2');
  }
  steps.push('scale=out_color_matrix=bt709:out_range=tv', 'format=yuv420p');
  // Without these players guess, and guess by size.
  steps.push('setparams=range=tv:colorspace=bt709:color_primaries=bt709:color_trc=bt709');
  return steps.join(',');
}

/**
 * EXR holds linear light, multiplied by alpha already: dropping alpha leaves it on black. Newer FFmpegs have no
 * `-apply_trc` any more, and zscale is not in every build.
 */
function exrToSrgb(): string[] {
  const curve = 'if(lte(val/maxval,0.0031308),12.92*val,(1.055*pow(val/maxval,1/2.4)-0.055)*maxval)';
  return ['format=gbrp16', `lutrgb=r='${curve}':g='${curve}':b='${curve}'`];
}

function even(side: number | undefined): number | undefined {
  return side === undefined ? undefined : Math.max(2, Math.ceil(side / 2) * 2);
}
