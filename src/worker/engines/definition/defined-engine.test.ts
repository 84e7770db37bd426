import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { EngineHarness } from '../../../../test/support/engine-harness.ts';
import { readDefinition } from '../../../shared/engines/read-definition.ts';
import type { Engine, RenderedFrame } from '../engine.ts';
import { definedEngine } from './defined-engine.ts';

/** A studio's renderer: writes its arguments, one a line, and does what its first one says. */
const RENDERER = `#!/bin/sh
[ "$1" = --version ] && { echo "sketch version $SKETCH_VERSION"; exit; }
out=$(printf '%s\\n' "$@" | sed -n 's/^--to=//p')
printf '%s\\n' "$@" > "$out.args"
env > "$out.env"
case "$1" in
  good) echo '10%'; echo '100%'; echo 'warning: no lights' >&2; cp "$2" "$out";;
  silent) exit 0;;
  elsewhere) echo 'Saved: /elsewhere/f.png';;
  lying) echo 'FATAL: no camera'; cp "$2" "$out";;
  licence) echo 'no licence could be had' >&2; exit 3;;
  code) exit 17;;
  broken) echo 'error: the scene is odd' >&2; exit 2;;
  killed) kill -9 $$;;
  hang) sleep 60;;
esac
`;

const DEFINITION = `id: sketch
label: Sketch
status: run-here
scene: required
work: range
formats: [png]
settings:
  properties:
    mode: { type: string, default: good }
    title: { type: string }
    size: { type: integer }
    sound: { type: string, format: asset }
    tags: { type: array, items: { type: string } }
find: { env: FARMHAND_SKETCH, names: [sketch] }
version: { args: [--version], regex: 'version (\\S+)', range: '>=2' }
env: { SKETCH_MODE: '{settings.mode}', SKETCH_DATA: '{dataFile}' }
args:
  - '{settings.mode}'
  - '{scene}'
  - --frame={frame:04}
  - { when: settings.title, args: ['--title={settings.title}', --bare, '{settings.title}'] }
  - { when: '!settings.title', args: [--untitled] }
  - { when: settings.size, args: ['{settings.size}'] }
  - { each: settings.tags, args: ['--tag={item}'] }
  - { each: data, args: ['--data={key}={value}'] }
  - { when: settings.sound, args: ['--sound={settings.sound}'] }
  - { when: settings.mode == good, args: [--it-is-good] }
  - { when: width, args: ['--width={width}'] }
  - --to={out}
outputs:
  - { file: 'f_{frame:04}.{format}' }
  - { name: depth, file: 'depth-*.png', optional: true }
events:
  - { type: fraction, regex: '(\\d+)%', of: 100 }
  - { type: warn, regex: '^warning: (.*)', stream: stderr }
  - { type: saved, regex: '^Saved: (.*)' }
  - { type: licence, regex: '(?i)no licence' }
  - { type: fatal, regex: '^FATAL: (.*)' }
  - { type: error, regex: '^error: (.*)' }
exit: { classes: { 17: host } }
licenceEnv: [sketch_LICENSE, OTHER_LICENSE_FILE]
cancel: { graceSeconds: 0.2 }
variants:
  - { range: '>=3', args: ['good', '{scene}', --new, '--to={out}'] }
`;

describe('an engine that a definition alone describes', () => {
  let harness: EngineHarness;
  let engine: Engine;
  let scenePath: string;
  /** Where the program is. */
  let tools: string;

  beforeEach(async () => {
    await start('2.5');
  });
  afterEach(stop);

  async function stop(): Promise<void> {
    vi.unstubAllEnvs();
    await harness.dispose();
    rmSync(tools, { recursive: true });
  }

  async function start(version: string): Promise<void> {
    const { loaded, problems } = readDefinition(DEFINITION);
    if (!loaded) throw new Error(JSON.stringify(problems));
    engine = definedEngine(loaded);
    tools = mkdtempSync(join(tmpdir(), 'farmhand-sketch-'));
    const program = join(tools, 'sketch');
    writeFileSync(program, RENDERER.replace('$SKETCH_VERSION', version), { mode: 0o755 });
    vi.stubEnv('FARMHAND_SKETCH', program);
    harness = await EngineHarness.create(engine, { version, features: [], program });
    scenePath = join(harness.folder, 'a scene; rm -rf $(pwd).sketch');
    writeFileSync(scenePath, 'a picture');
  }

  interface Job {
    settings?: Record<string, string | number | string[]>;
    data?: Record<string, string | number>;
    width?: number;
    signal?: AbortSignal;
  }

  async function render({ settings = {}, data = {}, width, signal }: Job = {}): Promise<RenderedFrame> {
    const output = { format: 'png', ...(width === undefined ? {} : { width }) };
    const session = await harness.open({ scenePath, settings, data, output });
    return harness.render(session, 7, signal ? { signal } : {});
  }

  function argumentsOf(rendered: RenderedFrame): string[] {
    return readFileSync(`${rendered.files[0]?.path ?? ''}.args`, 'utf8')
      .trimEnd()
      .split('\n');
  }

  it('is found in the versions that it can be used in', async () => {
    expect(await engine.detect({ cacheDir: undefined })).toMatchObject({ version: '2.5', features: [] });
    await stop();
    await start('1.9');
    expect(await engine.detect({ cacheDir: undefined })).toBeNull();
  });

  it('renders a frame: progress, warnings, file and variables', async () => {
    const rendered = await render({ width: 64, data: { name: 'Ada' } });
    expect(rendered.files).toEqual([{ name: 'main', path: expect.stringMatching(/f_0007\.png$/) as string }]);
    expect(rendered.warnings).toEqual(['no lights']);
    expect(harness.progress).toEqual([0.1, 1]);
    expect(argumentsOf(rendered)).toEqual([
      'good',
      scenePath,
      '--frame=0007',
      '--untitled',
      '--data=name=Ada',
      '--it-is-good',
      '--width=64',
      `--to=${rendered.files[0]?.path ?? ''}`,
    ]);
    const variables = readFileSync(`${rendered.files[0]?.path ?? ''}.env`, 'utf8');
    expect(variables).toMatch(/^SKETCH_MODE=good$/m);
    const dataFile = /^SKETCH_DATA=(.*)$/m.exec(variables)?.[1] ?? '';
    expect(JSON.parse(readFileSync(dataFile, 'utf8'))).toEqual({ name: 'Ada' });
  });

  it('learns where licences come from, and no other variable of the worker', async () => {
    vi.stubEnv('sketch_LICENSE', '5053@licences');
    vi.stubEnv('S3_SECRET_ACCESS_KEY', 'secret');
    const rendered = await render();
    const variables = readFileSync(`${rendered.files[0]?.path ?? ''}.env`, 'utf8');
    expect(variables).toMatch(/^sketch_LICENSE=5053@licences$/m);
    expect(variables).not.toMatch(/OTHER_LICENSE_FILE|S3_SECRET/);
  });

  it.each(['S3_SECRET_ACCESS_KEY', 'FARMHAND_LICENSE', 'LICENSE=x'])('may not ask for %s', (name) => {
    const { problems } = readDefinition(DEFINITION.replace('[sketch_LICENSE, ', `[${name}, `));
    expect(problems).toMatchObject([{ message: expect.stringMatching(/LICENSE or LMHOST/) as string }]);
  });

  it.each([
    `"; touch /tmp/pwned; echo "`,
    '$(id) `id` ${HOME} %PATH% !! * ? [a-z] ~ | & > < \\',
    `{settings.mode} {{frame}} {scene}`,
    `'"'"' ); process.exit(1) //`,
    '  leading and trailing  ',
  ])('keeps %j one argument, as it is', async (title) => {
    const rendered = await render({ settings: { title, tags: [title, 'b'] }, data: { title } });
    const argv = argumentsOf(rendered);
    expect(argv.slice(3, 9)).toEqual([
      `--title=${title}`,
      '--bare',
      title,
      `--tag=${title}`,
      '--tag=b',
      `--data=title=${title}`,
    ]);
  });

  it('is given the file that a setting names', async () => {
    const sound = `asset:${'0'.repeat(64)}/take 1.wav`;
    const scene = { asset: '0'.repeat(64), path: 'take 1.wav' };
    expect(engine.files?.({ sound })).toEqual([{ ref: sound, scene }]);
    const session = await harness.open({ scenePath, settings: { sound }, output: { format: 'png' } });
    const rendered = await harness.render(session, 7, { files: { [sound]: '/fetched/take 1.wav' } });
    expect(argumentsOf(rendered)).toContain('--sound=/fetched/take 1.wav');
  });

  it('takes no value for an option, but a negative number for a number', async () => {
    await expect(render({ settings: { title: '--exec=/bin/sh' } })).rejects.toMatchObject({
      failure: 'scene',
      message: expect.stringMatching(/begins with "-"/) as string,
    });
    expect(argumentsOf(await render({ settings: { size: -5 } }))).toContain('-5');
  });

  it('is given nothing that its settings do not allow', async () => {
    await expect(render({ settings: { sise: 5 } })).rejects.toMatchObject({
      failure: 'scene',
      message: expect.stringMatching(
        /settings\.sise: got an unknown setting, expected one of mode, title/,
      ) as string,
    });
  });

  it.each([
    ['silent', 'bad-output', /was to write f_0007\.png for "main"; it left f_0007\.png\.args/],
    ['elsewhere', 'bad-output', /and says that it wrote \/elsewhere\/f\.png/],
    ['lying', 'scene', /^no camera$/],
    ['licence', 'licence', /no licence could be had/],
    ['code', 'host', /exit code 17/],
    ['broken', 'scene', /exit code 2: the scene is odd/],
    ['killed', 'engine-crash', /signal SIGKILL/],
  ])('that is %s fails as %s', async (mode, failure, message) => {
    const error: unknown = await render({ settings: { mode } }).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ failure, message: expect.stringMatching(message) as string });
  });

  it('ends when the frame is not wanted any more', async () => {
    const abort = new AbortController();
    setTimeout(() => abort.abort(), 300);
    await expect(render({ settings: { mode: 'hang' }, signal: abort.signal })).rejects.toThrow('stopped');
  });

  it('runs in the way of its version', async () => {
    await stop();
    await start('3.1');
    expect(argumentsOf(await render())[2]).toBe('--new');
  });
});

describe('inputs', () => {
  const COPY = `id: copy
label: Copy
status: run-here
scene: none
work: WORK
inputs: required
formats: [txt]
find: { globs: [/bin/sh] }
version: { fixed: '1' }
args: [-c, 'cp "$1" "$2"', sh, 'FILE', '{out}']
outputs: [{ file: out.txt }]
`;

  async function run(work: string, file: string, inputs: Record<string, number[]>): Promise<string> {
    const { loaded, problems } = readDefinition(COPY.replace('WORK', work).replace('FILE', file));
    if (!loaded) throw new Error(JSON.stringify(problems));
    const engine = definedEngine(loaded);
    const detected = await engine.detect({ cacheDir: undefined });
    if (!detected) throw new Error('no /bin/sh');
    const harness = await EngineHarness.create(engine, detected);
    try {
      const folder = join(harness.folder, 'inputs');
      mkdirSync(folder);
      const files = Object.entries(inputs).map(([name, frames]) => {
        const made = frames.map((frame) => ({ frame, path: join(folder, `${name}-${frame}.txt`) }));
        for (const { path, frame } of made) writeFileSync(path, `${name} ${frame}`);
        return [name, made] as const;
      });
      const session = await harness.open({ scenePath: null, output: { format: 'txt' } });
      const rendered = await harness.render(session, 5, { inputs: Object.fromEntries(files) });
      return readFileSync(rendered.files[0]?.path ?? '', 'utf8');
    } finally {
      await harness.dispose();
    }
  }

  it('of a frame are the other step’s file of the same frame', async () => {
    expect(await run('range', '{input.plate}', { plate: [4, 5, 6] })).toBe('plate 5');
    await expect(run('range', '{input.plate}', { plate: [4, 6] })).rejects.toThrow('has no frame 5');
    await expect(run('range', '{input.plate}', { matte: [5] })).rejects.toThrow(
      'an input called "plate"; it has matte',
    );
  });

  it('of a unit of work are a folder without gaps', async () => {
    expect(
      await run('unit', '{input.frames.folder}/00000002.{input.frames.format}', { frames: [1, 4, 9] }),
    ).toBe('frames 9');
  });
});

describe('a program that keeps its scene', () => {
  const SESSION = `import { writeFileSync, writeSync } from 'node:fs';
import { createInterface } from 'node:readline';
const reply = (message) => writeSync(3, JSON.stringify(message) + '\\n');
let scene;
reply({ type: 'ready', version: '1', features: [] });
for await (const line of createInterface({ input: process.stdin })) {
  const request = JSON.parse(line);
  if (request.type === 'load') {
    scene = request;
    reply({ type: 'loaded', seconds: 0, warnings: [] });
  }
  if (request.type !== 'render') continue;
  console.log(request.frame === 3 ? 'FATAL: frame 3 is odd' : 'half done');
  const path = request.outDir + '/f.txt';
  writeFileSync(path, scene.settings.title + ' ' + request.frame + ' ' + process.argv[2]);
  console.log('end of ' + request.id);
  reply({ type: 'done', id: request.id, seconds: 0, outputs: [{ name: 'main', path }], warnings: [] });
}
`;

  it('renders frame after frame in one process, and fails the frame that it complained about', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'farmhand-session-'));
    writeFileSync(join(folder, 'session.mjs'), SESSION);
    const text = `id: warm
label: Warm
status: run-here
scene: none
work: range
formats: [txt]
settings: { properties: { title: { type: string, default: untitled } } }
find: { globs: ['${process.execPath}'] }
version: { args: [--version], regex: 'v(\\d+)' }
session: { args: ['{here}/session.mjs', '--title={settings.title}'], endMarker: 'end of {id}' }
events:
  - { type: fatal, regex: '^FATAL: (.*)' }
`;
    const { loaded, problems } = readDefinition(text, { folder });
    if (!loaded) throw new Error(JSON.stringify(problems));
    const engine = definedEngine(loaded);
    const detected = await engine.detect({ cacheDir: undefined });
    if (!detected) throw new Error('Node is not found');
    const harness = await EngineHarness.create(engine, detected);
    try {
      expect(engine.reusable).toBe(true);
      const session = await harness.open({ scenePath: null, settings: {}, output: { format: 'txt' } });
      const first = await harness.render(session, 2);
      expect(readFileSync(first.files[0]?.path ?? '', 'utf8')).toBe('untitled 2 --title=untitled');
      await expect(harness.render(session, 3)).rejects.toThrow('frame 3 is odd');
      expect((await harness.render(session, 4)).files).toHaveLength(1);
    } finally {
      await harness.dispose();
      rmSync(folder, { recursive: true });
    }
  });
});
