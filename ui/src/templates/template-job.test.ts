import { describe, expect, it } from 'vitest';
import { jobDocumentSchema } from '../../../src/shared/contracts/job-document.ts';
import { VIDEOS, issuesByField, templateJob } from './template-job.ts';

const template = {
  name: 'title-card',
  version: 2,
  engine: 'lottie',
  label: 'Title card',
  defaults: { output: { fps: 24 } },
};
const choices = { name: '', frames: '', video: '', data: {} };

describe('templateJob', () => {
  it('names the version, and leaves to the template what nobody chose', () => {
    expect(templateJob(template, choices)).toEqual({
      version: 1,
      name: 'Title card',
      engine: 'lottie',
      scene: 'template:title-card@2',
    });
  });

  it('makes a video of the frames where that is chosen', () => {
    const job = templateJob(template, { ...choices, frames: ' 0-9 ', video: 'prores', data: { title: 'A' } });
    expect(job.steps?.[0]).toMatchObject({ name: 'render', frames: '0-9', data: { title: 'A' } });
    expect(job.steps?.[1]).toMatchObject({
      inputs: { frames: { step: 'render' } },
      output: { format: 'mov', fps: 24 },
    });
  });

  it.each(['', ...VIDEOS.map(({ preset }) => preset)])('is a job document (video: "%s")', (video) => {
    expect(jobDocumentSchema.safeParse(templateJob(template, { ...choices, video })).error).toBeUndefined();
  });
});

describe('issuesByField', () => {
  it('puts each sentence to its field, in jobs of one step and of several', () => {
    const fields = ['data.title', 'data.a', 'frames'];
    const issues = [
      { path: 'data.title', value: 'nothing', expected: 'a value' },
      { path: 'steps[0].data.a[1]', value: '"x"', expected: 'a number' },
      { path: 'steps[0].frames', value: '"9-"', expected: 'a range' },
      { path: 'data.titles', value: 'an unknown parameter', expected: 'only parameters' },
    ];
    expect(Object.fromEntries(issuesByField(issues, fields))).toEqual({
      'data.title': 'nothing; expected a value',
      'data.a': '"x"; expected a number',
      frames: '"9-"; expected a range',
      '': 'data.titles: an unknown parameter; expected only parameters',
    });
  });
});
