import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { definitionFor, readDefinition, type LoadedDefinition } from './read-definition.ts';

const GOOD = `id: sketch
label: Sketch
status: run-here
scene: required
work: range
formats: [png]
settings:
  properties:
    colour: { type: string, pattern: '^#[0-9a-f]{6}$', description: 'a colour' }
    level: { type: integer, minimum: 0, default: 3 }
find: { names: [sketch] }
version: { args: [--version], regex: 'sketch (\\d+\\.\\d+)', range: '>=1.2' }
args:
  - --frame={frame:04}
  - '{scene}'
  - { when: settings.colour, args: [--colour, '{settings.colour}'] }
  - --to={out}
outputs: [{ file: 'f_{frame:08}.{format}' }]
events:
  - { type: fraction, regex: '(\\d+)%', of: 100 }
  - { type: warn, regex: '^warning: (.*)' }
`;

/** Each problem as `line:column path`, and what it says. */
function problemsOf(text: string): [string, string][] {
  return readDefinition(text).problems.map(({ line, column, path, message }) => [
    `${line}:${column} ${path}`,
    message,
  ]);
}

function load(text: string, parent?: LoadedDefinition): LoadedDefinition {
  const result = readDefinition(text, {
    parentOf: (id) => (id === parent?.definition.id ? parent : undefined),
  });
  if (!result.loaded) throw new Error(JSON.stringify(result.problems));
  return result.loaded;
}

describe('a definition', () => {
  it('is read, with what it leaves out', () => {
    expect(load(GOOD).definition).toMatchObject({
      id: 'sketch',
      inputs: 'none',
      exit: { ok: [0], classes: {} },
      timeouts: { start: 60, silence: 0, frame: 86_400 },
      outputs: [{ name: 'main', file: 'f_{frame:08}.{format}', optional: false }],
    });
  });

  it.each([
    ['an unknown field', GOOD.replace('label:', 'lable:'), '2:1 lable', /no such field/],
    ['a missing field', GOOD.replace('label: Sketch\n', ''), '1:1 label', /is missing/],
    [
      'a wrong word',
      GOOD.replace('work: range', 'work: ranges'),
      '5:7 work',
      /"ranges", expected one of range, unit/,
    ],
    ['a wrong type', GOOD.replace('[--version]', '--version'), '12:18 version.args', /expected array/],
    [
      'an unknown event',
      GOOD.replace('type: warn', 'type: warning'),
      '21:13 events[1].type',
      /expected one of frame, fraction/,
    ],
    [
      'a typing error inside an argument',
      GOOD.replace('when: s', 'whn: s'),
      '16:7 args[2].whn',
      /no such field/,
    ],
    ['no YAML', GOOD.replace('formats: [png]', 'formats: [png'), '7:1 ', /./],
    ['a key twice', GOOD.replace('label: Sketch', 'id: again'), '2:1 ', /unique/],
    ['no definition at all', '- 1', '1:1 ', /map of fields/],
  ])('with %s is refused, with line and column', (_what, text, where, message) => {
    const found = problemsOf(text).find(([place]) => place === where);
    expect(found, JSON.stringify(problemsOf(text))).toBeDefined();
    expect(found?.[1]).toMatch(message);
  });

  it('says everything that is wrong at once', () => {
    const text = GOOD.replace('work: range', 'work: ranges').replace('type: warn', 'type: warning');
    expect(problemsOf(text)).toHaveLength(2);
  });

  it.each([
    ['is no pattern', "'(\\d+%'", /missing closing/, '20:31'],
    ['has look-ahead', "'(\\d+)(?=%)'", /no look-around.*unless/, '20:36'],
    ['has a back reference', "'(\\d+) \\1'", /no back references/, '20:37'],
    ['lacks the group that is read', "'\\d+%'", /needs a group/, '20:30'],
  ])('whose pattern %s is refused where it is wrong', (_what, pattern, message, where) => {
    const [problem] = problemsOf(GOOD.replace("'(\\d+)%'", pattern));
    expect(problem?.[0]).toBe(`${where} events[0].regex`);
    expect(problem?.[1]).toMatch(message);
  });

  it.each([
    ['{scnee}', /there is no \{scnee\}; there are scene, sceneDir/],
    ['{settings.color}', /no setting color: `settings` has colour, level/],
    ['{input.plate}', /no inputs/],
    ['{item}', /there is no \{item\}/],
    ['50%}', /brace/],
  ])('with the placeholder %s is refused', (placeholder, message) => {
    const [problem] = problemsOf(GOOD.replace("'{scene}'", `'${placeholder}'`));
    expect(problem?.[0]).toMatch(/^15:\d+ args\[1\]$/);
    expect(problem?.[1]).toMatch(message);
  });

  it('with a schema that JSON Schema does not know is refused at the word', () => {
    const [problem] = problemsOf(GOOD.replace('minimum', 'minimun'));
    expect(problem?.[0]).toBe('10:29 settings');
    expect(problem?.[1]).toMatch(/unknown keyword: "minimun"/);
  });

  it('needs what its way of running needs', () => {
    const messages = problemsOf(GOOD.replace(/^find:.*\n/m, '').replace(/^outputs:.*\n/m, '')).map(
      ([, text]) => text,
    );
    expect(messages.join()).toMatch(/`find` is missing/);
    expect(messages.join()).toMatch(/`outputs` is missing/);
    expect(problemsOf(`${GOOD}framesAProcess: 5\n`)).toEqual([
      [expect.stringMatching(/framesAProcess$/), expect.stringMatching(/needs an `adapter`/)],
    ]);
  });

  it('cannot name files beside it when it comes without them', () => {
    const text = GOOD.replace("'{scene}'", "'{here}/script.py'");
    expect(problemsOf(text)).toEqual([[expect.stringMatching(/args$/), expect.stringMatching(/nowhere/)]]);
    expect(readDefinition(text, { folder: '/x' }).loaded?.folder).toBe('/x');
    const variant = `${GOOD}variants:\n  - { range: '>=2', args: ['{here}/script.py'] }\n`;
    expect(problemsOf(variant)).toEqual([
      [expect.stringMatching(/variants\[0\]\.args$/), expect.stringMatching(/nowhere/)],
    ]);
    expect(readDefinition(variant, { folder: '/x' }).loaded?.folder).toBe('/x');
  });
});

it('the example of docs/engines.md is a definition', () => {
  const page = readFileSync(join(import.meta.dirname, '../../../docs/engines.md'), 'utf8');
  const example = /```yaml\n([\s\S]*?)```/.exec(page)?.[1] ?? '';
  expect(load(example).definition.id).toBe('sketch');
});

describe('variants', () => {
  const text = `${GOOD}variants:
  - range: '>=3'
    events: [{ type: ratio, regex: '(\\d+) of (\\d+)' }]
  - range: '>=2'
    args: ['{scene}']
`;

  it('are chosen by the version, each field in the place of the whole one', () => {
    const loaded = load(text);
    expect(definitionFor(loaded, '1.9').events).toHaveLength(2);
    expect(definitionFor(loaded, '2.4.1').args).toEqual(['{scene}']);
    expect(definitionFor(loaded, '2.4.1').events).toHaveLength(2);
    expect(definitionFor(loaded, '3.0').events).toEqual([{ type: 'ratio', regex: '(\\d+) of (\\d+)' }]);
  });

  it.each([
    [text.replace(' of (', ' of ('.replace('(', '[')), '24:46 variants[0].events[0].regex', /./],
    [text.replace("'>=2'", 'newer'), '25:12 variants[1].range', /no range/],
    [text.replace("args: ['{scene}']", 'label: Other'), '26:5 variants[1].label', /no such field/],
  ])('that are wrong are named', (wrong, where, message) => {
    const [problem] = problemsOf(wrong);
    expect(problem?.[0]).toBe(where);
    expect(problem?.[1]).toMatch(message);
  });
});

describe('extends', () => {
  const parent = load(GOOD);

  it('takes everything that is not said, and adds to the settings', () => {
    const child = load(
      'id: sketch-fast\nextends: sketch\nlabel: Fast\nsettings: { properties: { fast: { type: boolean } } }\n',
      parent,
    );
    expect(child.definition.label).toBe('Fast');
    expect(child.definition.args).toEqual(parent.definition.args);
    expect(Object.keys(child.definition.settings['properties'] as object)).toEqual([
      'colour',
      'level',
      'fast',
    ]);
  });

  it('names what there is not', () => {
    const text = 'id: a\nextends: nothing\n';
    expect(problemsOf(text)).toEqual([['2:10 extends', expect.stringMatching(/no definition "nothing"/)]]);
  });
});
