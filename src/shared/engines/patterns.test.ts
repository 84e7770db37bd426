import { describe, expect, it } from 'vitest';
import { Pattern } from './patterns.ts';
import { ObjectCheck, objectSchema } from './settings-schema.ts';

/** Takes a backtracking engine longer than anybody lives. */
const HOSTILE = '^(a|a|aa)+$';
const TEXT = `${'a'.repeat(4_000)}!`;

describe('patterns that backtrack for ever', () => {
  it('end on lines of any kind', () => {
    expect(new Pattern(HOSTILE).test(TEXT)).toBe(false);
    expect(new Pattern(`(x+x+)+y`).match('x'.repeat(4_000))).toBeUndefined();
  });

  it('end in the schema of settings, too', () => {
    const schema = objectSchema({ properties: { name: { type: 'string', pattern: HOSTILE } } });
    expect(new ObjectCheck(schema, 'setting').check({ name: TEXT }, 'settings').issues).toHaveLength(1);
  });
});

describe('settings', () => {
  const check = new ObjectCheck(
    objectSchema({
      required: ['name'],
      properties: {
        name: { type: 'string', pattern: '^[a-z]+$', description: 'small letters' },
        level: { type: 'integer', default: 3 },
        mode: { enum: ['fast', 'fine'] },
        sizes: { type: 'array', items: { type: 'number', maximum: 9 } },
      },
    }),
    'setting',
  );

  it('get their defaults, and stay as they were given', () => {
    const given = { name: 'a' };
    expect(check.check(given, 'settings')).toEqual({ value: { name: 'a', level: 3 }, issues: [] });
    expect(given).toEqual({ name: 'a' });
  });

  it('are refused with everything that is wrong, by path, value and what is expected', () => {
    const { issues } = check.check({ mode: 'slow', sizes: [1, 10], colour: 1 }, 'steps[0].settings');
    expect(issues).toEqual(
      expect.arrayContaining([
        { path: 'steps[0].settings.name', value: 'nothing', expected: 'a value' },
        { path: 'steps[0].settings.mode', value: '"slow"', expected: 'one of fast, fine' },
        { path: 'steps[0].settings.sizes[1]', value: '10', expected: '<= 9' },
        {
          path: 'steps[0].settings.colour',
          value: 'an unknown setting',
          expected: 'one of name, level, mode, sizes',
        },
      ]),
    );
    expect(check.check({ name: 'A1' }, 's').issues).toEqual([
      { path: 's.name', value: '"A1"', expected: 'small letters' },
    ]);
  });
});
