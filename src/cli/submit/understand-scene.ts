import { basename } from 'node:path';
import { parseFrameRange, type FrameRange } from '../../shared/domain/frame-ranges.ts';
import type { SceneInspection } from '../../shared/scenes/scene-inspection.ts';
import { UsageError } from '../support/exit-codes.ts';
import { printable } from '../support/output.ts';
import { count, formatBytes } from '../support/table.ts';
import { fileSize, type LocalFile } from '../support/upload.ts';
import { lookAtScene, type Place } from './look-at-scene.ts';
import type { JsonObject } from './params.ts';

/** A scene that can be submitted: everything it needs is there. */
export interface UnderstoodScene {
  engine: string;
  /** The scene, relative to where `files` begin. */
  scenePath: string;
  files: LocalFile[];
  /** Absolute paths in the scene that lie in this folder mean files of it. */
  origin?: string;
  /** Shared storage that it has files on. */
  roots: string[];
  /** What wrote it, where that is known: `3.4`. */
  madeWith: string | null;
  frames: string;
  fps?: number;
  settings: JsonObject;
  /** What was understood, for the one who submits. */
  says: string[];
}

/**
 * Reads a scene and checks that it can be rendered elsewhere.
 * @param scene a path; inside `place.folder` a path relative to it.
 * @throws UsageError for a scene that cannot be read, does not fit the flags, or needs files that are missing.
 */
export async function understandScene(
  scene: string,
  flags: { engine?: string; frames?: string },
  place: Place = {},
): Promise<UnderstoodScene> {
  const { inspection, shown, described, files } = await lookAtScene(scene, place);
  if (flags.engine !== undefined && flags.engine !== inspection.engine)
    throw new UsageError(
      `${shown} is a scene for ${inspection.engine}, not for ${flags.engine}. Leave --engine out.`,
    );
  if (inspection.missing.length > 0)
    throw new UsageError(
      `${shown} needs files that are missing; nothing was submitted:\n${inspection.missing.map((name) => `  ${name}`).join('\n')}`,
    );
  const frames = parseFrameRange(flags.frames ?? inspection.frames);
  const range = rangeOf(inspection);
  if (range !== undefined) assertInside(frames, range, shown);
  const { settings, notes } = animationOf(inspection, frames, range);
  const says = [
    await summary(shown, inspection, frames, files),
    ...(described === undefined ? [] : [`  ${described} describes the animation of ${basename(scene)}`]),
    ...(inspection.engine === 'blender' ? [`  made with Blender ${inspection.madeWith ?? ''}`] : []),
    ...(inspection.roots.length === 0
      ? []
      : [`  with files on shared storage: ${inspection.roots.join(', ')}`]),
    ...inspection.warnings.map((warning) => `  Warning: ${warning}`),
    ...[...inspection.notes, ...notes, ...rangeNote(frames, inspection)].map((note) => `  ${note}`),
  ];
  return {
    engine: inspection.engine,
    scenePath: inspection.scene,
    files,
    madeWith: inspection.madeWith,
    roots: inspection.roots,
    ...(inspection.origin === null ? {} : { origin: inspection.origin }),
    frames: frames.text,
    ...(inspection.fps === null ? {} : { fps: inspection.fps }),
    settings,
    says: says.map(printable),
  };
}

/** The frames that the scene has; undefined where any frame can be rendered (Blender), or where it does not say. */
function rangeOf({ engine, frames }: SceneInspection): FrameRange | undefined {
  const mayBeLonger = engine === 'povray' || engine === 'html';
  if (engine === 'blender' || (mayBeLonger && !frames.includes('-'))) return undefined;
  return parseFrameRange(frames);
}

function extent(frames: FrameRange): { first: number; last: number } {
  const ends = frames.runs.flatMap(({ start, step, count: n }) => [start, start + (n - 1) * step]);
  return {
    first: ends.reduce((low, n) => Math.min(low, n)),
    last: ends.reduce((high, n) => Math.max(high, n)),
  };
}

function assertInside(frames: FrameRange, range: FrameRange, shown: string): void {
  const asked = extent(frames);
  const has = extent(range);
  const outside = [asked.first, asked.last].find((frame) => frame < has.first || frame > has.last);
  if (outside === undefined) return;
  throw new UsageError(
    `--frames ${frames.text}: ${shown} has frames ${range.text}, and no frame ${outside}. Choose from its range.`,
    { issues: [{ path: 'frames', value: JSON.stringify(frames.text), expected: `frames of ${range.text}` }] },
  );
}

/** A POV-Ray scene that does not say how long its animation is: the frames that were asked for are taken as the whole. */
function animationOf(
  { engine }: SceneInspection,
  frames: FrameRange,
  range: FrameRange | undefined,
): { settings: JsonObject; notes: string[] } {
  if (engine !== 'povray' || range !== undefined || frames.count < 2) return { settings: {}, notes: [] };
  const { first: initialFrame, last: finalFrame } = extent(frames);
  return {
    settings: { animation: { initialFrame, finalFrame } },
    notes: [
      `the clock runs from 0 to 1 over frames ${initialFrame} to ${finalFrame}; --param animation.initialFrame=… and animation.finalFrame=… change that`,
    ],
  };
}

/** `title.json: lottie, frames 0-47 (48 frames), 24 fps, 1280×720; 3 files, 1.2 MB` */
async function summary(
  shown: string,
  { engine, fps, width, height }: SceneInspection,
  frames: FrameRange,
  files: readonly LocalFile[],
): Promise<string> {
  const sizes = await Promise.all(files.map(({ file }) => fileSize(file)));
  const bytes = sizes.reduce((sum, size) => sum + size, 0);
  const facts = [
    engine,
    `frames ${frames.text} (${count(frames.count, 'frame')})`,
    ...(fps === null ? [] : [`${fps} fps`]),
    ...(width === null || height === null ? [] : [`${width}×${height}`]),
  ];
  return `${shown}: ${facts.join(', ')}; ${count(files.length, 'file')}, ${formatBytes(bytes)}`;
}

/** Where only a part was asked for, or another range than the scene's own. */
function rangeNote(frames: FrameRange, inspection: SceneInspection): string[] {
  if (
    inspection.frames === frames.text ||
    (inspection.engine === 'povray' && !inspection.frames.includes('-'))
  )
    return [];
  return [`the scene's own range is ${inspection.frames}`];
}
