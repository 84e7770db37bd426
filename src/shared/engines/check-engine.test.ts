import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { checkEngine } from './check-engine.ts';
import { engineCatalogue } from './engine-catalogue.ts';
import { DEFINITION_FILE, ENGINES_FOLDER, readDefinitionsOf } from './shipped-definitions.ts';

const parentOf = (id: string) => engineCatalogue().definition(id);

describe('each definition that comes with the farm', () => {
  it.each(readDefinitionsOf(ENGINES_FOLDER).map(({ id, path }) => [id, path]))('%s holds', (_id, path) => {
    expect(checkEngine(path, { parentOf, demandLogs: true }).problems).toEqual([]);
  });
});

describe('a copy of a definition', () => {
  let folder: string;
  let file: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'farmhand-definition-'));
    file = join(folder, 'mine.yaml');
  });
  afterEach(() => {
    rmSync(folder, { recursive: true });
  });

  const original = (name = DEFINITION_FILE): string =>
    readFileSync(join(ENGINES_FOLDER, 'povray', name), 'utf8');

  function check(text: string): string[] {
    writeFileSync(file, text);
    const fallback = (id: string): string => join(ENGINES_FOLDER, id);
    return checkEngine(file, { parentOf, fallback }).problems;
  }

  it('holds, and with one wrong pattern does not: it says where and against which line of which log', () => {
    expect(check(original())).toEqual([]);
    const wrong = original().replace('Rendered (\\d+) of', 'Renderd (\\d+) of');
    const line = wrong.split('\n').findIndex((text) => text.includes('Renderd')) + 1;
    const [first = ''] = check(wrong);
    expect(first).toMatch(
      new RegExp(`^${file}:${line}:\\d+: events\\[0\\]\\.regex: .*replays/frame\\.log:51 must be`),
    );
    expect(first).toMatch(/"type":"ratio","fraction":0\.07.* is understood as nothing$/);
  });

  it('names the pattern that takes a line for something else', () => {
    const greedy = original()
      .replace("'Parse Warning:", "'Rendered|Parse Warning:")
      .replace('{ type: ratio', '{ type: warn');
    expect(check(greedy).join('\n')).toMatch(/events\[0\]\.regex: .* is understood as \{"type":"warn"/);
  });

  it('that claims to be recorded must have a recorded log', () => {
    cpSync(join(ENGINES_FOLDER, 'povray'), folder, { recursive: true });
    const log = join(folder, 'replays/frame.log');
    rmSync(join(folder, 'replays'), { recursive: true });
    mkdirSync(join(folder, 'replays'));
    writeFileSync(log, '# from documentation: the manual\n2 Rendered 1 of 4 pixels\n');
    writeFileSync(log.replace('.log', '.events.json'), '[{ "line": 2, "type": "ratio", "fraction": 0.25 }]');
    const options = { parentOf, demandLogs: true };
    expect(checkEngine(join(folder, DEFINITION_FILE), options).problems).toEqual([
      expect.stringMatching(/engine\.yaml:3:9: status: .*no recorded log/),
    ]);
  });

  it('is held by the variant of the version that a log’s name says', () => {
    const text = `${original()}variants:\n  - range: '>=9'\n    events: [{ type: ratio, regex: '(\\d+) von (\\d+)' }]\n`;
    mkdirSync(join(folder, 'replays'));
    const keep = (name: string, line: string): void => {
      writeFileSync(join(folder, 'replays', `${name}.log`), `# recorded: by hand\n2 ${line}\n`);
      const wanted = [{ line: 2, type: 'ratio', fraction: 0.25 }];
      writeFileSync(join(folder, 'replays', `${name}.events.json`), JSON.stringify(wanted));
    };
    keep('frame', 'Rendered 1 of 4 pixels');
    keep('frame@9.1', '1 von 4');
    expect(check(text)).toEqual([]);
    keep('frame@9.1', '1 of 4');
    expect(check(text)).toEqual([
      expect.stringMatching(/mine\.yaml:\d+:\d+: variants\[0\]\.events\[0\]\.regex: .*@9\.1\.log:2/),
    ]);
  });

  it('is told about files that are missing or broken', () => {
    mkdirSync(join(folder, 'replays'));
    writeFileSync(
      join(folder, 'replays/a.log'),
      '# recorded: by hand\n2 Rendered 1 of 4 pixels\nwithout stream\n',
    );
    const problems = check(original()).join('\n');
    expect(problems).toMatch(/a\.log:3:1: a line begins with 1, 2 or 3/);
    expect(problems).toMatch(/a\.log:1:1: .*a\.events\.json is missing/);
  });

  it('understands a log that is no replay, whatever stream its lines came on', () => {
    writeFileSync(file, original());
    const log = join(folder, 'any.log');
    writeFileSync(log, 'Rendered 1 of 4 pixels\nFile a: Parse Warning: assumed_gamma not\n specified\n');
    const { replays, problems } = checkEngine(file, { parentOf, logs: [log] });
    expect(problems).toEqual([]);
    expect(replays[0]?.events).toEqual([
      { line: 1, type: 'ratio', fraction: 0.25 },
      { line: 2, type: 'warn', text: 'File a: Parse Warning: assumed_gamma not specified' },
    ]);
  });
});
