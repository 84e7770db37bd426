import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freshSteps } from '../../src/coordinator/dispatch/fresh-steps.ts';
import { readOpenSteps } from '../../src/coordinator/dispatch/read-open-steps.ts';
import { documentSha256 } from '../../src/coordinator/intake/document-hash.ts';
import type { PlannedJob, PlannedStep } from '../../src/coordinator/intake/job-plan.ts';
import { insertJob } from '../../src/coordinator/ledger/job-repository.ts';
import type { JobDocument } from '../../src/shared/contracts/job-document.ts';
import { createTestContext, type TestContext } from '../support/farm-context.ts';

const plannedStep = (name: string, more: Partial<PlannedStep> = {}): PlannedStep => ({
  name,
  engine: 'null',
  dependsOn: [],
  dependencies: [],
  engineVersion: '1',
  frameTotal: 5,
  chunk: 'auto',
  targetSeconds: 30,
  ...more,
  spec: {
    runs: [{ start: 1, step: 1, count: more.frameTotal ?? 5 }],
    requires: {
      engineVersion: null,
      cores: 2,
      memoryBytes: null,
      gpus: 0,
      tags: [],
      site: null,
      preferSite: null,
    },
    licences: [],
    previewFrames: 3,
    scene: null,
    inputs: {},
    data: {},
    settings: {},
    output: { format: 'png', pattern: 'a' },
    maxAttempts: 3,
    timeouts: {},
  },
});

describe('a job that was just written', () => {
  let context: TestContext;
  beforeAll(async () => {
    context = await createTestContext();
  });
  afterAll(() => context.dispose());

  it.each<{ more: Partial<JobDocument>; steps: PlannedStep[] }>([
    { more: {}, steps: [plannedStep('render')] },
    {
      more: { priority: 90, owner: 'ana', project: 'film', preempt: true, limits: { running: 2 } },
      steps: [
        plannedStep('one', { chunk: 2, engineVersion: null, frameTotal: 2 }),
        plannedStep('two', { chunk: 'sequential', targetSeconds: 1.5 }),
        plannedStep('after', {
          dependencies: [{ path: '', step: 'one', kind: 'all', offset: 0, window: 0 }],
        }),
      ],
    },
  ])('is known to the leader as the ledger has it: %#', async ({ more, steps }) => {
    const id = `job-${steps.length}`;
    const document: JobDocument = { version: 1, id, name: id, ...more };
    const placed = steps.map((step, position) => ({ ...step, position }));
    const plan: PlannedJob = {
      document,
      documentSha256: documentSha256(document),
      waitsForJobs: [],
      steps: placed,
    };
    const inserted = await insertJob(context.ledger, id, plan);
    if (inserted.outcome !== 'accepted') throw new Error(`It is ${inserted.outcome}`);
    const fresh = freshSteps({ job: inserted.job, document, steps: inserted.steps });
    const read = await readOpenSteps(context.ledger, [id]);
    expect(fresh.length).toBe(Math.min(2, steps.length));
    expect([...fresh].sort((a, b) => a.position - b.position)).toEqual(
      [...read].sort((a, b) => a.position - b.position),
    );
  });
});
