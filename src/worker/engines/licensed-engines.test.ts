import { describe, expect, it } from 'vitest';
import { engineCatalogue } from '../../shared/engines/engine-catalogue.ts';
import { expandArguments, type TemplateValues } from './definition/arguments.ts';
import { loadedDefinition } from './definition/engine-of-definition.ts';
import { checkedSettings } from './checked-settings.ts';
import { ObjectCheck, objectSchema } from '../../shared/engines/settings-schema.ts';

/** What a worker would run for frame 7 of a scene. None of these programs runs here: what is held is what their manuals say. */
function commandLine(id: string, settings: Record<string, unknown>, scene: string, format: string): string {
  const { definition } = loadedDefinition(id);
  const check = new ObjectCheck(objectSchema(definition.settings), 'setting');
  const values: TemplateValues = {
    spec: { scenePath: scene, workDir: '/work', threads: 4, output: { format, width: 640, height: 360 } },
    settings: checkedSettings({ label: definition.label, settings: check }, settings),
    ...{ data: {}, here: '/here', dataFile: '/work/data.json', inputs: {} },
    request: { frame: 7, outDir: '/out' },
    out: `/out/f_00000007.${format}`,
  };
  return expandArguments(definition.args ?? [], values).join(' ');
}

describe('the command line of', () => {
  it.each([
    [
      'after-effects',
      { comp: 'Main' },
      '/s/a.aep',
      'tif',
      '-project /s/a.aep -comp Main -OMtemplate TIFF Sequence with Alpha -s 7 -e 7 -output /out/f_[########].tif ' +
        '-v ERRORS_AND_PROGRESS -close DO_NOT_SAVE_CHANGES -sound OFF',
    ],
    ['natron', {}, '/s/a.ntp', 'exr', '-w Write1 /out/f_########.exr 7-7 /s/a.ntp'],
    [
      'nuke',
      { write: 'Write1' },
      '/s/a.nk',
      'exr',
      '-m 4 -t /here/render.py /s/a.nk /out/f_00000007.exr exr 7 write=Write1',
    ],
    [
      'houdini',
      { camera: '/cameras/main', engine: 'xpu' },
      '/s/a.usd',
      'exr',
      '--frame 7 --frame-count 1 --output /out/f_00000007.exr --verbose a2 --threads 4 --res 640 360 --engine xpu ' +
        '--camera /cameras/main /s/a.usd',
    ],
    [
      'maya',
      { renderer: 'arnold', camera: 'persp' },
      '/s/a.mb',
      'exr',
      '-r arnold -proj /s -s 7 -e 7 -b 1 -rd /out -im f -fnc 3 -pad 8 -of exr -x 640 -y 360 -cam persp /s/a.mb',
    ],
    [
      'cavalry',
      { composition: 'compNode#1' },
      '/s/a.cv',
      'png',
      'render /s/a.cv --frame 7 --padding 8 --name f --directory /out --format png --composition compNode#1',
    ],
    [
      'resolve',
      { timeline: 'Reel 1' },
      '/s/a.drp',
      'mp4',
      '/here/render.py /s/a.drp /out main preset=H.264 Master timeline=Reel 1 width=640 height=360',
    ],
  ])('%s is what its manual shows', (id, settings, scene, format, expected) => {
    expect(commandLine(id, settings, scene, format)).toBe(expected);
  });

  it.each([
    ['after-effects', { comp: '-m' }],
    ['after-effects', {}],
    ['nuke', { write: 'a b' }],
    ['houdini', { camera: '--python' }],
    ['maya', { camera: '-command' }],
    ['cavalry', { composition: '--x' }],
  ])('%s takes no option for a setting: %j', (id, settings) => {
    expect(() => commandLine(id, settings, '/s/a', 'exr')).toThrow(/setting/);
  });
});

it('an engine that was not run here says so, and what licence it asks for', () => {
  const notRun = engineCatalogue()
    .ids()
    .filter((id) => loadedDefinition(id).definition.status === 'from-documentation');
  expect(notRun).toEqual(['after-effects', 'cavalry', 'houdini', 'maya', 'natron', 'nuke', 'resolve']);
  const free = notRun.filter((id) => loadedDefinition(id).definition.licence === undefined);
  expect(free).toEqual(['natron']);
});
