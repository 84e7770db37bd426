import { describe, expect, it } from 'vitest';
import { frameFacts } from './frame-facts.ts';

const fetched = {
  step: 'render',
  frame: 4,
  state: 'failed',
  generation: 1,
  attempt: 1,
  worker: 'w1',
  seconds: null,
  peakMemoryBytes: null,
  bytes: null,
  sha256: null,
  key: null,
  definition: null,
  outputs: [],
  warnings: [],
  verdict: null,
  findings: [],
  error: 'no texture',
} as const;

describe('frameFacts', () => {
  it('takes the newest source that speaks of the present state', () => {
    const change = {
      step: 'render',
      number: 4,
      state: 'done',
      generation: 2,
      worker: 'w2',
      seconds: 1.5,
      error: null,
    } as const;
    const facts = frameFacts(
      { step: 'render', frame: 4, state: 'done' },
      { change, fetched: { ...fetched, outputs: [], warnings: [], findings: [] } },
    );
    expect(facts).toMatchObject({ worker: 'w2', seconds: 1.5, error: null, generation: 2 });
  });

  it('does not show an old error on a frame that runs again', () => {
    const facts = frameFacts(
      { step: 'render', frame: 4, state: 'running' },
      {
        fetched: { ...fetched, outputs: [], warnings: [], findings: [] },
        progress: { version: 1, jobId: 'j', taskId: 't', step: 'render', frame: 4, fraction: 0.5 },
      },
    );
    expect(facts).toMatchObject({ error: null, worker: null, fraction: 0.5 });
  });
});
