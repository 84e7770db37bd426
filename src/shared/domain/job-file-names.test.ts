import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { nameKey } from './file-names.ts';
import { JobFileNames, type NamedStep } from './job-file-names.ts';

const job = { name: 'Opening', project: 'Film', labels: { shot: '010', version: 'v3', client: 'A/B' } };
const USUAL = '{step}_{frame:04}.{ext}';
const main = { output: 'main', ext: 'png' };
const step = (name: string, pattern = USUAL, frames = 100): NamedStep => ({ name, pattern, frames });

function allNames(names: JobFileNames, steps: readonly NamedStep[], frames: readonly number[]): string[] {
  const files = [main, { output: 'Z', ext: 'exr' }, { output: 'z', ext: 'exr' }];
  return steps.flatMap(({ name }) => frames.flatMap((frame) => names.ofFrame(name, frame, files)));
}

describe('the names of a job’s files', () => {
  it('are those of the steps’ patterns, and labels may stand in them', () => {
    const names = new JobFileNames(job, [step('render'), step('encode', 'film.{ext}', 1)]);
    expect(names.ofFrame('render', 7, [main])).toEqual(['render_0007.png']);
    expect(names.ofFrame('encode', 0, [{ output: 'main', ext: 'mp4' }])).toEqual(['film.mp4']);
    const given = new JobFileNames(
      job,
      [step('render')],
      '{project} {shot} {version} {job} {step} {output} {label.client} {label.none} {frame:04}.{ext}',
    );
    expect(given.ofFrame('render', -7, [main])).toEqual(['Film 010 v3 Opening render main A_B _ -0007.png']);
  });

  it('of steps that could meet have the step’s name in them, from the second step on', () => {
    const steps = [
      step('a', 'pic.{frame}.{ext}'),
      step('b', 'pic.{frame:03}.{ext}'),
      step('c', 'other.{frame}.{ext}'),
    ];
    const names = new JobFileNames(job, steps);
    expect(steps.map(({ name }) => names.ofFrame(name, 1000, [main])[0])).toEqual([
      'pic.1000.png',
      'pic.1000~b.png',
      'other.1000.png',
    ]);
  });

  it('stay as the patterns say where steps only look alike', () => {
    const steps = [step('render'), step('render_b'), step('render-c')];
    const names = new JobFileNames(job, steps);
    expect(steps.map(({ name }) => names.ofFrame(name, 1, [main])[0])).toEqual([
      'render_0001.png',
      'render_b_0001.png',
      'render-c_0001.png',
    ]);
  });

  it('of steps and outputs that differ in case are told apart by more than case', () => {
    const steps = [step('x'), step('X')];
    const names = allNames(new JobFileNames(job, steps), steps, [1, 2]);
    expect(new Set(names.map(nameKey)).size).toBe(names.length);
  });

  it('are refused for a given pattern that does not tell the files apart', () => {
    expect(() => new JobFileNames(job, [step('a')], 'x.{ext}')).toThrow(/\{frame\}/);
    expect(() => new JobFileNames(job, [step('a'), step('b')], '{frame}.{ext}')).toThrow(/\{step\}/);
    expect(() => new JobFileNames(job, [step('a')], '{nope}{frame}')).toThrow(/Output pattern/);
    expect(new JobFileNames(job, [step('a', USUAL, 1)], 'x.{ext}').ofFrame('a', 3, [main])).toEqual([
      'x.png',
    ]);
  });

  it('are each there once, whatever patterns the steps have', () => {
    const part = fc.constantFrom(
      '{step}',
      '{output}',
      '{frame}',
      '{frame:02}',
      '{shot}',
      '{ext}',
      '.',
      '_',
      'a',
      '1',
      '-',
      '~2',
      'main',
    );
    const pattern = fc
      .array(part, { minLength: 1, maxLength: 5 })
      .map((parts) => `x${parts.join('')}{frame}`)
      .filter((text) => !text.includes('..'));
    const name = fc.constantFrom('a', 'A', 'a1', 'a_1', 'main', 'z', '1');
    const steps = fc.uniqueArray(fc.record({ name, pattern }), {
      selector: (each) => each.name,
      minLength: 1,
      maxLength: 4,
    });
    fc.assert(
      fc.property(steps, (given) => {
        const all = given.map((each) => ({ ...each, frames: 1_000 }));
        const names = allNames(new JobFileNames(job, all), all, [-1, 0, 1, 10, 11, 12, 100, 111, 1000]);
        expect(new Set(names.map(nameKey)).size).toBe(names.length);
      }),
      { numRuns: 300 },
    );
  });

  it('of a thousand steps are found at once', () => {
    const steps = Array.from({ length: 1_000 }, (_, i) => step(`step-${i}`));
    expect(new JobFileNames(job, steps).ofFrame('step-999', 1, [main])).toEqual(['step-999_0001.png']);
  }, 20_000);
});
