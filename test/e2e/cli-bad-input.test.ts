import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { JobSummary } from '../../src/shared/contracts/messages.ts';
import { makeZip } from '../support/make-zip.ts';
import { WholeFarm } from '../support/whole-farm.ts';

let farm: WholeFarm;
let folder: string;
beforeAll(async () => {
  farm = await WholeFarm.start({ up: ['--slots', '1'] });
  folder = join(farm.folder, 'bad');
  await mkdir(folder);
});
afterAll(() => farm.stop());

async function put(name: string, content: string | Buffer): Promise<string> {
  const file = join(folder, name);
  await writeFile(file, content);
  return file;
}

interface Refusal {
  error: { code: string; message: string; errors: { path: string; value: string; expected: string }[] };
}

/** Runs a command that has to fail. @returns its exit code, sentence and the JSON error on stdout */
async function refused(
  ...args: string[]
): Promise<{ code: number | null; stderr: string; error: Refusal['error'] }> {
  const { code, stdout, stderr } = await farm.cli([...args, '--json']);
  return { code, stderr, error: (JSON.parse(stdout) as Refusal).error };
}

const DOCUMENT = { version: 1, name: 'bad', engine: 'null', frames: '1-3' };

describe('a job document that the farm refuses: exit 1, where and what is expected', () => {
  it.each([
    ['an unknown engine', { engine: 'terragen' }, 'engine', 'lottie'],
    ['an absurd range', { frames: '1-999999999999' }, 'frames', '999999999'],
    ['too many frames', { frames: '1-99999999' }, 'frames', '10,000,000'],
    ['an empty range', { frames: ' ' }, 'frames', '1-100'],
    ['a range without its end', { frames: '3-' }, 'frames', '1-100'],
    ['a range with letters', { frames: 'a-b' }, 'frames', '1-100'],
    ['three numbers', { frames: '1-10-20' }, 'frames', '1-100'],
    ['a step before the end', { frames: '1x10-20' }, 'frames', '1-100'],
    ['a step of 0', { frames: '1-10x0' }, 'frames', '1 or more'],
    ['a step against the direction', { frames: '1-10x-2' }, 'frames', 'positive'],
    ['a number for a name', { name: 7 }, 'name', 'string'],
    ['an unknown field', { prioritiy: 1 }, 'prioritiy', 'documented'],
    ['an id with a dot', { id: 'a.b' }, 'id', 'letter or digit'],
    ['an id with a star', { id: 'a*' }, 'id', 'letter or digit'],
    ['an id with a space', { id: 'a b' }, 'id', 'letter or digit'],
    ['an id with a quote', { id: 'a"b' }, 'id', 'letter or digit'],
    ['a template that is not there', { engine: 'lottie', scene: 'template:none' }, 'scene', 'template'],
    [
      'an asset that is not there',
      { engine: 'lottie', scene: `asset:${'0'.repeat(64)}/a.json` },
      'scene',
      'asset',
    ],
    ['settings of another engine', { settings: { samples: 4 } }, 'settings.samples', 'frameMs'],
    ['frames and steps', { steps: [{ name: 'a', engine: 'null', frames: '1' }] }, '', 'steps'],
  ])('%s', async (_, change, path, expected) => {
    const { code, stderr, error } = await refused(
      'submit',
      await put('document.json', JSON.stringify({ ...DOCUMENT, ...change })),
    );
    expect(code).toBe(1);
    expect(error.code).toBe('invalid');
    const issue = error.errors.find((one) => one.path === path) ?? error.errors[0];
    expect(issue?.path).toBe(path === '' ? issue?.path : path);
    expect(`${issue?.expected ?? ''} ${error.message}`.toLowerCase()).toContain(expected.toLowerCase());
    expect(stderr).toContain('farmhand: ');
  });

  it('says all that is wrong at once', async () => {
    const bad = { ...DOCUMENT, name: '', priority: 1000, frames: 'x' };
    const { error } = await refused('submit', await put('all.json', JSON.stringify(bad)));
    expect(error.errors.map((issue) => issue.path)).toEqual(expect.arrayContaining(['name', 'priority']));
  });

  it('2 MB', async () => {
    const large = JSON.stringify({ ...DOCUMENT, note: 'x'.repeat(2_000_000) });
    const { code, error } = await refused('submit', await put('large.json', large));
    expect({ code, kind: error.code }).toEqual({ code: 1, kind: 'too-large' });
    expect(error.message).toMatch(/1,?000,?000/);
  });

  it('depth 10,000', async () => {
    const deep = `{"version":1,"name":"deep","engine":"null","frames":"1","data":${'{"a":'.repeat(10_000)}1${'}'.repeat(10_001)}`;
    const { code, error } = await refused('submit', await put('deep.json', deep));
    expect({ code, kind: error.code }).toEqual({ code: 1, kind: 'invalid' });
    expect(error.message).toContain('64');
  });

  it('__proto__', async () => {
    const text =
      '{"version":1,"name":"p","engine":"null","frames":"1","settings":{"__proto__":{"frameMs":1}}}';
    const { code, error } = await refused('submit', await put('proto.json', text));
    expect({ code, kind: error.code }).toEqual({ code: 1, kind: 'invalid' });
    expect(error.message).toContain('__proto__');
  });

  it('the same id with another document', async () => {
    const first = await put('same.json', JSON.stringify({ ...DOCUMENT, id: 'same', frames: '1' }));
    expect((await farm.json<JobSummary>('submit', first, '--wait')).state).toBe('completed');
    expect((await farm.json<JobSummary>('submit', first)).id).toBe('same');
    const other = await put('other.json', JSON.stringify({ ...DOCUMENT, id: 'same', frames: '2' }));
    const { code, error } = await refused('submit', other);
    expect({ code, kind: error.code }).toEqual({ code: 1, kind: 'conflict' });
  });

  it('data that does not fit the template', async () => {
    const { code, error } = await refused(
      'submit',
      'template:title-card',
      '--param',
      'title=',
      '--param',
      'accent=red',
    );
    expect(code).toBe(1);
    expect(error.errors.map((issue) => issue.path).sort()).toEqual(['data.accent', 'data.title']);
  });
});

describe('wrong use or an unreadable file: exit 2, before anything is sent', () => {
  it.each([
    ['a file that is not there', ['submit', 'none.blend'], 'is not there'],
    [
      'a range of a wrong form',
      ['submit', 'template:title-card', '--param', 'title=x', '--frames', '1-10-20'],
      '1-10-20',
    ],
    ['an unknown engine', ['submit', 'none.pov', '--engine', 'terragen'], 'expected one of'],
    ['an unknown parameter', ['submit', 'template:title-card', '--param', 'tilte=x'], 'title'],
    ['a parameter without a value', ['submit', 'template:title-card', '--param', 'title'], 'name=value'],
    ['a data file that is not there', ['submit', 'template:title-card', '--data', 'none.json'], 'none.json'],
    ['an address that is none', ['jobs', '--farm', 'here'], 'http://127.0.0.1:7780'],
  ])('%s', async (_, args, expected) => {
    const { code, stderr } = await refused(...args);
    expect({ code, stderr }).toEqual({ code: 2, stderr: expect.stringContaining(expected) as string });
  });

  it.each([
    ['an unknown flag', ['submit', 'x.pov', '--frmes', '1'], '--frmes'],
    ['an unknown command', ['sumbit', 'x.pov'], 'sumbit'],
    ['a missing argument', ['submit'], 'file'],
    ['a priority out of range', ['submit', 'x.pov', '--priority', '101'], '0 to 100'],
    ['a state that there is not', ['frames', 'x', '--state', 'finished'], 'waiting'],
  ])('%s', async (_, args, expected) => {
    const { code, stdout, stderr } = await farm.cli(args);
    expect({ code, stdout, stderr }).toEqual({
      code: 2,
      stdout: '',
      stderr: expect.stringContaining(expected) as string,
    });
  });

  it('bytes that are not UTF-8', async () => {
    const file = await put('latin1.json', Buffer.from('{"version":1,"name":"\u00e9"}', 'latin1'));
    const { code, error } = await refused('submit', file);
    expect({ code, utf8: error.message.includes('UTF-8') }).toEqual({ code: 2, utf8: true });
  });

  it('a scene whose textures and includes are missing names each of them', async () => {
    const scene = await put(
      'needy.pov',
      '#include "walls.inc"\nsphere { 0, 1 pigment { image_map { png "tex/bark.png" } } }\n',
    );
    const { code, stderr } = await refused('submit', scene);
    expect(code).toBe(2);
    expect(stderr).toContain('walls.inc');
    expect(stderr).toContain('tex/bark.png');
  });

  it('a local scene of a document that is not there, with its place', async () => {
    const document = { ...DOCUMENT, engine: 'povray', scene: './gone.pov' };
    const { code, error } = await refused('submit', await put('gone.json', JSON.stringify(document)));
    expect({ code, place: error.message.startsWith('scene: ') }).toEqual({ code: 2, place: true });
  });

  it('frames that the scene does not have', async () => {
    const scene = await put(
      'short.json',
      '{"v":"5","fr":24,"ip":0,"op":10,"w":8,"h":8,"layers":[],"assets":[]}',
    );
    const { code, error } = await refused('submit', scene, '--frames', '5-12');
    expect({ code, path: error.errors[0]?.path }).toEqual({ code: 2, path: 'frames' });
    expect(error.message).toContain('0-9');
  });

  it('an archive that would write elsewhere', async () => {
    const zip = await put('slip.zip', makeZip([{ name: '../slip.pov', content: 'x' }]));
    expect((await refused('submit', zip)).code).toBe(2);
  });
});

describe('nothing else happens', () => {
  it('exit 3 and a sentence when no farm answers', async () => {
    const { code, stderr } = await refused('jobs', '--farm', 'http://127.0.0.1:9'); // without a token for it
    expect(code).toBe(3);
    expect(stderr).toContain('No farm answers');
    const environment = { ...farm.environment, FARMHAND_TOKEN: 'x' };
    const { run } = await import('../support/whole-farm.ts');
    const cli = join(import.meta.dirname, '../../src/cli/main.ts');
    const away = await run([process.execPath, cli, 'jobs', '--farm', 'http://127.0.0.1:9'], environment);
    expect({ code: away.code, stdout: away.stdout }).toEqual({ code: 3, stdout: '' });
    expect(away.stderr).toContain('No farm answers');
    const wrong = await run([process.execPath, cli, 'jobs', '--farm', farm.state.url!], environment);
    expect(wrong.code).toBe(1);
    expect(wrong.stderr.toLowerCase()).toContain('token');
  });

  it('none of it made a job, and the farm goes on', async () => {
    const jobs = await farm.json<JobSummary[]>('jobs');
    expect(jobs.map((job) => job.id)).toEqual(['same']);
    const good = await put('good.json', JSON.stringify({ ...DOCUMENT, id: 'good' }));
    expect((await farm.json<JobSummary>('submit', good, '--wait')).state).toBe('completed');
    await farm.expectNoFaults();
  });
});
