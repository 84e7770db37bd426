import type { PovIni } from '../../../shared/scenes/pov-ini.ts';
import { EngineFailure } from '../engine.ts';

/** By the schema in engine.yaml. */
export interface PovraySettings {
  quality?: number;
  antialias?: number;
  animation?: {
    initialFrame: number;
    finalFrame: number;
    initialClock?: number;
    finalClock?: number;
    cyclic?: boolean;
  };
  declare?: Readonly<Record<string, number>>;
}

export interface PovrayFrame {
  /** Name of the scene in the working folder, plain characters only. */
  scene: string;
  /** The scene's options when it is an `.ini`. */
  ini: PovIni | null;
  frame: number;
  /** The last frame of the run; the same as `frame` for one. */
  lastFrame: number;
  /** Start of the picture's path; POV-Ray appends the frame number and `.png`. */
  output: string;
  /** Folder that is searched for includes, textures and fonts. */
  library: string;
  settings: PovraySettings;
  /** Values for the scene's `#ifndef` parameters, from the job's data. */
  data: Readonly<Record<string, number>>;
  width: number | undefined;
  height: number | undefined;
  threads: number;
}

/** POV-Ray's own default differs between builds and their system-wide .ini. */
const DEFAULT_SIZE = { width: 800, height: 600 };

/**
 * POV-Ray's options for a frame and those up to the last one, as a part of its animation: `clock` and `final_frame` are those of the whole.
 * Options that stand later win: the defaults, then the scene's `.ini`, then what the job says.
 * @throws EngineFailure `scene` for a frame outside the animation
 */
export function povrayArguments(request: PovrayFrame): string[] {
  const { settings, frame, lastFrame } = request;
  const isAnimation = checkFrame(request);
  return [
    `+W${DEFAULT_SIZE.width}`,
    `+H${DEFAULT_SIZE.height}`,
    request.ini ? request.scene : `+I${request.scene}`,
    `+L${request.library}`,
    ...(request.width === undefined ? [] : [`+W${request.width}`]),
    ...(request.height === undefined ? [] : [`+H${request.height}`]),
    ...animationOptions(settings.animation, isAnimation ? null : frame),
    `+SF${frame}`,
    `+EF${lastFrame}`,
    ...(settings.quality === undefined ? [] : [`+Q${settings.quality}`]),
    ...(settings.antialias === undefined ? [] : [`+A${settings.antialias}`]),
    ...declarations({ ...settings.declare, ...request.data }),
    `+O${request.output}`,
    '+FN8',
    `+WT${request.threads}`,
    // No window, no waiting for a key, no picking up of half a picture, progress on stderr.
    ...['-D', '-P', '-C', '-X', '+V'],
  ];
}

/** @returns whether the frame is a part of an animation that the job or the scene's `.ini` describes */
function checkFrame({ settings, ini, frame }: PovrayFrame): boolean {
  if (frame < 0) throw new EngineFailure('scene', `POV-Ray has no negative frame numbers, such as ${frame}.`);
  const range = animationRange(settings, ini);
  if (range === null) return false;
  const { first, last } = range;
  if (frame >= first && frame <= last) return true;
  throw new EngineFailure('scene', `The animation has frames ${first} to ${last}, and no frame ${frame}.`);
}

/** Frames of the animation, as the job says or else the scene's `.ini`; null where neither does. */
export function animationRange(
  { animation }: PovraySettings,
  ini: PovIni | null,
): { first: number; last: number } | null {
  const first = animation?.initialFrame ?? ini?.initialFrame ?? null;
  const last = animation?.finalFrame ?? ini?.finalFrame ?? null;
  return first === null || last === null ? null : { first, last };
}

/** @param alone the frame's number when no animation is known: it is rendered with clock 0 and its `frame_number` */
function animationOptions(animation: PovraySettings['animation'], alone: number | null): string[] {
  if (alone !== null) return [`+KFI${alone}`, `+KFF${alone}`];
  if (!animation) return [];
  const options = [`+KFI${animation.initialFrame}`, `+KFF${animation.finalFrame}`];
  if (animation.initialClock !== undefined) options.push(`+KI${animation.initialClock}`);
  if (animation.finalClock !== undefined) options.push(`+KF${animation.finalClock}`);
  if (animation.cyclic !== undefined) options.push(animation.cyclic ? '+KC' : '-KC');
  return options;
}

function declarations(values: Readonly<Record<string, number>>): string[] {
  return Object.entries(values).map(([name, value]) => `Declare=${name}=${value}`);
}
