import { expect, it } from 'vitest';
import { engineIds } from '../../shared/engines/engine-catalogue.ts';
import { readDefinition } from '../../shared/engines/read-definition.ts';
import { engineOf, shippedEngines } from './index.ts';

it('every definition that comes with the farm is an engine of the worker', () => {
  expect(shippedEngines().map(({ id }) => id)).toEqual(engineIds());
});

it('an engine whose code this worker does not have is refused by name', () => {
  const text =
    'id: a\nlabel: A\nstatus: run-here\nscene: none\nwork: range\nformats: [png]\nadapter: no-such\n';
  const { loaded } = readDefinition(text);
  expect(loaded).toBeDefined();
  if (loaded) expect(() => engineOf(loaded)).toThrow(/needs the adapter "no-such"; this worker has lottie/);
});
