import { describe, expect, it } from 'vitest';
import { engineCatalogue } from '../../shared/engines/engine-catalogue.ts';
import { wantedInputs } from './wanted-inputs.ts';

const FRAMES = [
  { number: 3, generation: 1 },
  { number: 4, generation: 1 },
];
const wanted = (engine: string, settings = {}): unknown => {
  const loaded = engineCatalogue().definition(engine);
  const frames = loaded && wantedInputs(loaded.definition, { frames: FRAMES, settings });
  return frames && [...frames];
};

describe('the frames of inputs that a task needs', () => {
  it('are its own for an engine that works frame by frame', () => {
    expect(wanted('imagemagick')).toEqual([3, 4]);
    expect(wanted('command', { argv: ['cp', '{input.plate}', '{out}'] })).toEqual([3, 4]);
  });

  it('are all for one that reads them as a sequence', () => {
    expect(wanted('ffmpeg')).toBeNull();
    expect(wanted('command', { argv: ['blend', '{input.plate.folder}', '{out}'] })).toBeNull();
  });
});
