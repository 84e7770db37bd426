import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { FramesPage, JobsPage } from '../../src/shared/contracts/api.ts';
import { framesPageSchema, jobsPageSchema, problemSchema } from '../../src/shared/contracts/api.ts';
import { createTestContext, type TestContext } from '../support/farm-context.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { seedJob } from '../support/ledger-rows.ts';

let context: TestContext;
let gateway: TestGateway;

beforeAll(async () => {
  context = await createTestContext();
  gateway = await startTestGateway(context);
});
afterAll(async () => {
  await gateway.stop();
  await context.dispose();
});

describe('lists of jobs', () => {
  it('pages through all jobs, newest first, each once', async () => {
    for (let i = 0; i < 7; i++) await seedJob(context.ledger, { id: `page-${i}`, name: 'paged' });
    const seen: string[] = [];
    let cursor: string | null = '';
    while (cursor !== null) {
      const page: JobsPage = await gateway.json(`/api/jobs?q=paged&limit=3${cursor && `&cursor=${cursor}`}`);
      jobsPageSchema.parse(page);
      seen.push(...page.jobs.map((job) => job.id));
      cursor = page.next;
    }
    expect(seen).toEqual(['page-6', 'page-5', 'page-4', 'page-3', 'page-2', 'page-1', 'page-0']);
  });

  it('finds by state and by text, in which % and _ are only themselves', async () => {
    await seedJob(context.ledger, { id: 'find-1', name: '100%_done', state: 'failed' });
    await seedJob(context.ledger, { id: 'find-2', name: '100 and done', state: 'completed' });
    const ids = async (query: string): Promise<string[]> =>
      (await gateway.json<JobsPage>(`/api/jobs?${query}`)).jobs.map((job) => job.id);
    expect(await ids('q=100%25_')).toEqual(['find-1']);
    expect(await ids('q=100&state=completed,cancelled')).toEqual(['find-2']);
  });

  it.each([
    ['state=strange', 'state', 'queued'],
    ['limit=0', 'limit', '1'],
    ['cursor=nonsense', 'cursor', 'next'],
    ['colour=red', 'colour', 'documented'],
  ])('refuses ?%s and says what is expected', async (query, path, expected) => {
    const problem = problemSchema.parse(await gateway.json(`/api/jobs?${query}`, 400));
    expect(problem.errors?.[0]?.path).toContain(path);
    expect(problem.errors?.[0]?.expected).toContain(expected);
  });
});

describe('one job', () => {
  it('counts the frames of all its steps', async () => {
    await seedJob(context.ledger, {
      id: 'counted',
      steps: [
        { name: 'render', frames: ['done', 'done', 'failed'] },
        { name: 'encode', frames: ['waiting'], first: 0 },
      ],
    });
    const job = await gateway.json('/api/jobs/counted');
    expect(job).toMatchObject({
      id: 'counted',
      frames: { total: 4, done: 2, failed: 1, waiting: 1, running: 0 },
      steps: [
        { name: 'render', frames: { total: 3, done: 2 } },
        { name: 'encode', frames: { total: 1, waiting: 1 } },
      ],
    });
  });

  it('leaves hostile names as they are, as JSON that no browser takes for a page', async () => {
    const name = '<script>alert(1)</script>\u202e"; DROP TABLE jobs; --';
    await seedJob(context.ledger, { id: 'hostile', name });
    const response = await gateway.fetch('/api/jobs/hostile');
    expect(response.headers.get('content-type')).toMatch(/^application\/json/);
    expect(response.headers.get('x-content-type-options')).toBe('nosniff');
    expect(await response.json()).toMatchObject({ name });
  });

  it.each(['/api/jobs/nothing-here', '/api/jobs/nothing-here/frames', '/api/jobs/nothing-here/history'])(
    'says that there is none at %s',
    async (path) => {
      const response = await gateway.fetch(path);
      expect(response.status).toBe(404);
      expect(response.headers.get('content-type')).toContain('application/problem+json');
      expect(await response.json()).toMatchObject({
        code: 'not-found',
        detail: 'There is no job nothing-here.',
      });
    },
  );

  it.each(['a.b', '*', '%3E', 'a%20b', '%22', "'", '..%2f..', '%00', 'x'.repeat(65), '%ff'])(
    'refuses the id %s',
    async (id) => {
      for (const path of [`/api/jobs/${id}`, `/api/jobs/${id}/frames`, `/api/jobs/${id}/logs`]) {
        const problem = problemSchema.parse(await gateway.json(path, 400));
        expect(problem.code).toBe('invalid');
      }
      await gateway.post(`/api/jobs/${id}/cancel`, 400, {});
    },
  );
});

describe('frames of a job', () => {
  it('come in the order of steps and numbers, in pages, with filters', async () => {
    await seedJob(context.ledger, {
      id: 'framed',
      steps: [
        { name: 'b', frames: ['done', 'failed', 'ready', 'failed'], first: -1 },
        { name: 'a', frames: ['waiting', 'waiting'], first: 7 },
      ],
    });
    const read = async (query: string): Promise<string[]> => {
      const seen: string[] = [];
      let cursor: string | null = '';
      while (cursor !== null) {
        const page: FramesPage = await gateway.json(
          `/api/jobs/framed/frames?limit=2&${query}${cursor && `&cursor=${cursor}`}`,
        );
        framesPageSchema.parse(page);
        seen.push(...page.frames.map((frame) => `${frame.step}${frame.frame}`));
        cursor = page.next;
      }
      return seen;
    };
    expect(await read('')).toEqual(['b-1', 'b0', 'b1', 'b2', 'a7', 'a8']);
    expect(await read('state=failed')).toEqual(['b0', 'b2']);
    expect(await read('step=a')).toEqual(['a7', 'a8']);
    expect(await read('from=1')).toEqual(['b1', 'b2', 'a7', 'a8']);
  });

  it('reads a page in the middle of a large job quickly', async () => {
    await seedJob(context.ledger, {
      id: 'large',
      steps: [{ name: 'render', frames: new Array<'ready'>(100_000).fill('ready') }],
    });
    const startedAt = performance.now();
    const page = await gateway.json<FramesPage>('/api/jobs/large/frames?from=90000&limit=1000');
    expect(page.frames[0]?.frame).toBe(90_000);
    expect(page.frames).toHaveLength(1_000);
    expect(performance.now() - startedAt).toBeLessThan(2_000);
  });
});
