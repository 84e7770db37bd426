import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { engineCatalogue } from './engine-catalogue.ts';
import { engineVariables } from './engine-variables.ts';
import { PushedDefinitions, definitionDigest, readPushedDefinition } from './pushed-definitions.ts';

const page = readFileSync(join(import.meta.dirname, '../../../docs/engines.md'), 'utf8');
const SKETCH = /```yaml\n([\s\S]*?)```/.exec(page)?.[1] ?? '';

const notice = (text: string, definition: number) =>
  ({ version: 1, type: 'put', id: 'sketch', definition, digest: definitionDigest(text), text }) as const;

it('what came last counts, and a number that was given to another text is news', () => {
  const pushed = new PushedDefinitions(engineCatalogue());
  const other = SKETCH.replace('label: Sketch', 'label: Restored');
  try {
    expect(pushed.take(notice(SKETCH, 2)).change).toBe('put');
    expect(pushed.take(notice(SKETCH, 2)).change).toBe('none');
    expect(pushed.take(notice(other, 1)).change).toBe('none');
    expect(pushed.take(notice(other, 2)).change).toBe('put');
    expect(engineCatalogue().definition('sketch')?.definition.label).toBe('Restored');
    const removed = { version: 1, type: 'removed', id: 'sketch', definition: 2 } as const;
    expect(pushed.take(removed).change).toBe('removed');
    expect(pushed.take(notice(SKETCH, 2)).change).toBe('none');
  } finally {
    engineCatalogue().remove('sketch');
  }
});

it('names its program by a variable that reaches workers, or is refused', () => {
  const named = (name: string): string =>
    SKETCH.replace(/^find:.*$/m, `find: { env: ${name}, names: [sketch] }`);
  const read = (name: string): unknown =>
    readPushedDefinition(named(name), engineCatalogue()).definition.find?.env;
  expect(named('X')).not.toBe(SKETCH);
  expect(read('FARMHAND_PROGRAM_SKETCH')).toBe('FARMHAND_PROGRAM_SKETCH');
  expect(read('FARMHAND_BLENDER')).toBe('FARMHAND_BLENDER');
  expect(() => read('SKETCH_HOME')).toThrow(/find\.env: got "SKETCH_HOME", expected FARMHAND_PROGRAM_NAME/);
  const passedOn = engineVariables({
    FARMHAND_PROGRAM_SKETCH: '/opt/sketch',
    FARMHAND_NATS_URL: 'x',
    HOME: '/',
  });
  expect(passedOn).toContain('FARMHAND_PROGRAM_SKETCH');
  expect(passedOn).toContain('FARMHAND_BLENDER');
  expect(passedOn).not.toContain('FARMHAND_NATS_URL');
});
