import { InvalidArgumentError } from 'commander';
import type { InputSource, StepDocument } from '../../shared/contracts/job-document.ts';
import { describeEngine } from '../../shared/engines/engine-catalogue.ts';

const ENGINE = 'ffmpeg';
/** What people call H.264 when they only want a video. */
const ALIASES: Readonly<Record<string, string>> = { mp4: 'h264' };

const formats = (): Readonly<Record<string, string>> => describeEngine(ENGINE)?.formatOf?.formats ?? {};

/** The presets' names, for a command's help. */
export const presetNames = (): string[] => Object.keys(formats());

/** A preset as an option's value. */
export function encodePreset(text: string): string {
  const name = ALIASES[text] ?? text;
  if (Object.hasOwn(formats(), name)) return name;
  throw new InvalidArgumentError(`Expected one of: ${presetNames().join(', ')}.`);
}

/** A step that makes a video of another step's frames. */
export function encodeStep(
  name: string,
  preset: string,
  frames: InputSource,
  options: { fps?: number | undefined; settings?: NonNullable<StepDocument['settings']> } = {},
): StepDocument {
  const format = formats()[preset];
  const { fps, settings } = options;
  return {
    name,
    engine: ENGINE,
    inputs: { frames },
    settings: { encode: preset, ...settings },
    output: { ...(format === undefined ? {} : { format }), ...(fps === undefined ? {} : { fps }) },
  };
}
