import { EngineFailure } from '../engine.ts';
import type { FfmpegSettings } from './arguments.ts';
import { PRESETS, presetOf, type EncodePreset } from './presets.ts';

export interface ChosenPreset extends EncodePreset {
  name: string;
}

/**
 * What the job asks for, by its settings or its output's format.
 * @param features of this machine's FFmpeg, as engine.yaml names them
 * @throws EngineFailure `scene` for settings that do not go together; `engine-crash` for what this FFmpeg does not have, so
 *   that another worker is tried
 */
export function chosenPreset(
  settings: FfmpegSettings,
  format: string,
  features: readonly string[],
): ChosenPreset {
  const name = presetOf(settings.encode, format);
  const preset = PRESETS[name];
  const refuse = (what: string): never => {
    throw new EngineFailure('scene', what);
  };
  if (preset.extension !== format)
    refuse(`"${name}" makes .${preset.extension} files; the output's format is "${format}".`);
  if (preset.audio === null && settings.audio !== undefined)
    refuse(`A ${preset.extension} has no sound: leave the setting "audio" out, or encode something else.`);
  if (settings.crf !== undefined && (name === 'prores' || name === 'gif'))
    refuse(`"${name}" has no rate factor: leave the setting "crf" out.`);
  if (settings.preset !== undefined && name !== 'h264' && name !== 'h265')
    refuse(`"${name}" knows no "preset": that is a setting of h264 and h265.`);
  const needed = [name, ...(settings.burnIn === undefined ? [] : ['drawtext'])];
  const lacking = needed.filter((feature) => !features.includes(feature));
  if (lacking.length > 0)
    throw new EngineFailure('engine-crash', `This worker's FFmpeg was built without ${lacking.join(', ')}.`);
  return { ...preset, name };
}
