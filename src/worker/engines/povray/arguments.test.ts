import { describe, expect, it } from 'vitest';
import { readPovIni } from '../../../shared/scenes/pov-ini.ts';
import { povrayArguments, type PovrayFrame } from './arguments.ts';

const REQUEST: PovrayFrame = {
  scene: 's.pov',
  ini: null,
  frame: 3,
  lastFrame: 3,
  output: 'out/f_',
  library: 'lib',
  settings: {},
  data: {},
  width: undefined,
  height: undefined,
  threads: 2,
};

describe('POV-Ray options', () => {
  it('render a frame as a part of its animation', () => {
    const settings = { animation: { initialFrame: 1, finalFrame: 20, initialClock: 0.5, cyclic: true } };
    const options = povrayArguments({ ...REQUEST, settings, width: 64, height: 32 });
    expect(options).toEqual(
      expect.arrayContaining(['+Is.pov', '+KFI1', '+KFF20', '+KI0.5', '+KC', '+SF3', '+EF3', '+WT2']),
    );
    expect(options.lastIndexOf('+W64')).toBeGreaterThan(options.indexOf('+W800'));
  });

  it('let the .ini say what the job does not', () => {
    const ini = readPovIni('Input_File_Name=s.pov\nInitial_Frame=1\nFinal_Frame=20\nWidth=100');
    const options = povrayArguments({ ...REQUEST, scene: 's.ini', ini });
    expect(options.slice(0, 3)).toEqual(['+W800', '+H600', 's.ini']);
    expect(options.filter((option) => /^\+(KFI|KFF|W\d)/.test(option))).toEqual(['+W800']);
    expect(() => povrayArguments({ ...REQUEST, scene: 's.ini', ini, frame: 21 })).toThrow(
      'frames 1 to 20, and no frame 21',
    );
  });

  it('give a lone frame its number', () => {
    expect(povrayArguments(REQUEST)).toEqual(expect.arrayContaining(['+KFI3', '+KFF3', '+SF3', '+EF3']));
    expect(() => povrayArguments({ ...REQUEST, frame: -1 })).toThrow('no negative frame numbers');
  });

  it('declare numbers, those of the data in the place of the settings’', () => {
    const options = povrayArguments({
      ...REQUEST,
      settings: { declare: { A: 1 } },
      data: { A: 2, B: -1e-7 },
    });
    expect(options.filter((option) => option.startsWith('Declare'))).toEqual([
      'Declare=A=2',
      'Declare=B=-1e-7',
    ]);
  });
});
