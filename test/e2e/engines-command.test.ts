import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { commandEngine } from '../../src/worker/engines/command/engine.ts';
import type { RenderedFrame } from '../../src/worker/engines/engine.ts';
import { EngineHarness, decode } from '../support/engine-harness.ts';

const PNG = { format: 'png' };
/** Copies a picture to where the frame belongs, and prints what it was given. */
const COPY = `const [from, out, ...rest] = process.argv.slice(1);
  console.log('openjd_status: copying');
  console.log('openjd_progress: 50');
  require('node:fs').copyFileSync(from, out);
  console.log('given ' + JSON.stringify(rest));`;

let harness: EngineHarness;
let picture: string;

beforeEach(async () => {
  vi.stubEnv('FARMHAND_ALLOW_COMMAND', '1');
  const detected = await commandEngine.detect({ cacheDir: undefined });
  if (!detected) throw new Error('Commands are allowed here.');
  harness = await EngineHarness.create(commandEngine, detected);
  picture = join(harness.folder, 'in.png');
  await sharp({ create: { width: 8, height: 4, channels: 3, background: '#ff0000' } }).toFile(picture);
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await harness.dispose();
});

const open = async (argv: string[], data = {}): ReturnType<EngineHarness['open']> =>
  harness.open({ scenePath: null, settings: { argv }, data, output: PNG });
const refusal = async (argv: string[], data = {}): Promise<unknown> =>
  open(argv, data)
    .then((session) => harness.render(session, 7))
    .catch((error: unknown) => error);

it('runs the job’s program: each item one argument, placeholders filled in, no shell', async () => {
  const title = '"; touch owned; $(touch owned) `x` * {frame}';
  const argv = [
    process.execPath,
    '-e',
    COPY,
    picture,
    '{out}',
    '{frame:04}',
    '{data.title}',
    '$HOME {{x}} *',
  ];
  // The braces of the program's own text are no placeholders.
  argv[2] = COPY.replaceAll('{', '{{').replaceAll('}', '}}');
  const session = await open(argv, { title });
  const notes: (string | undefined)[] = [];
  const rendered = await harness.render(session, 7, { progress: (_fraction, note) => notes.push(note) });
  expect(await decode(rendered.files[0]?.path)).toMatchObject({ width: 8, height: 4 });
  expect(harness.log).toContain(`given ${JSON.stringify(['0007', title, '$HOME {x} *'])}`);
  expect(notes).toContain('copying');
});

it('takes another step’s frame', async () => {
  const session = await open(['cp', '{input.plate}', '{out}']);
  const inputs = { plate: [{ frame: 7, path: picture }] };
  const rendered: RenderedFrame = await harness.render(session, 7, { inputs });
  expect((await readFile(rendered.files[0]?.path ?? '')).equals(await readFile(picture))).toBe(true);
});

it('fails by what the program says, its exit code and its file', async () => {
  const failed = (failure: string, message: string): object => ({
    failure,
    message: expect.stringContaining(message) as string,
  });
  const script = (text: string): string[] => ['sh', '-c', text];
  expect(
    await refusal(script('echo "openjd_fail: no camera"; cp "$0" "$1"').concat(picture, '{out}')),
  ).toMatchObject(failed('scene', 'no camera'));
  expect(await refusal(script('echo broken >&2; exit 3'))).toMatchObject(failed('engine-crash', 'broken'));
  expect(await refusal(script('exit 0'))).toMatchObject(failed('bad-output', 'frame.png'));
  expect(await refusal(['no-such-program'])).toMatchObject(failed('host', 'no such program'));
  expect(await refusal(['./tool'])).toMatchObject(failed('host', 'absolute path'));
  expect(await refusal(['cp', '{nonsense'])).toMatchObject(failed('scene', 'no placeholder'));
  expect(await refusal(['cp', '{data.name}', '{out}'])).toMatchObject(failed('scene', '{data.name}'));
  expect(await refusal(['cp', '{data.name}', '{out}'], { name: '--help' })).toMatchObject(
    failed('scene', 'option'),
  );
});

it('is not there unless the worker allows it', async () => {
  vi.stubEnv('FARMHAND_ALLOW_COMMAND', 'yes');
  expect(await commandEngine.detect({ cacheDir: undefined })).toBeNull();
  expect(await refusal(['cp', picture, '{out}'])).toMatchObject({ failure: 'host' });
});
