import { expect, it } from 'vitest';
import { readPovIni } from './pov-ini.ts';

it('reads options, switches and comments, up to the first section', () => {
  const ini = readPovIni(
    'input_FILE_name="my scene.pov" ; comment\r\n+KFI2 +kff20 +kc declare=fp=0\r# Width=1\r\n-W320 +H240 +Lparts\n' +
      'Library_Path=more\nextra.ini\n[low]\nWidth=5\n',
  );
  expect(ini).toEqual({
    inputFile: 'my scene.pov',
    initialFrame: 2,
    finalFrame: 20,
    width: 320,
    height: 240,
    libraryPaths: ['parts', 'more'],
    includes: ['extra.ini'],
  });
});

it('takes no number that is none', () => {
  expect(readPovIni('Final_Frame=many\nWidth=-5\nHeight=9999999999999')).toMatchObject({
    finalFrame: null,
    width: null,
    height: null,
  });
});
