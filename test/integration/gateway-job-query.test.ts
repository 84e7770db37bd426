import { sql } from 'kysely';
import pg from 'pg';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { jobsPageSchema, problemSchema, type JobsPage } from '../../src/shared/contracts/api.ts';
import { JobQueries } from '../../src/gateway/ledger/job-queries.ts';
import { MOST_LOOKED_AT } from '../../src/gateway/ledger/job-query/scan-jobs.ts';
import type { JobSummary } from '../../src/shared/contracts/messages.ts';
import { readJobSummary } from '../../src/shared/database/job-summaries.ts';
import { JOB_SORTS, compareJobs } from '../../src/shared/domain/job-query/job-sort.ts';
import { matchJob } from '../../src/shared/domain/job-query/match-job.ts';
import { parseJobQuery } from '../../src/shared/domain/job-query/parse-job-query.ts';
import { JOB_STATES } from '../../src/shared/domain/states.ts';
import { explainedLedger } from '../support/explained-ledger.ts';
import { createTestContext, type TestContext } from '../support/farm-context.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { seedAttempt, seedJob, seedResult } from '../support/ledger-rows.ts';

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

const page = (query: string, parameters = ''): Promise<JobsPage> =>
  gateway.json<JobsPage>(`/api/jobs?limit=500&query=${encodeURIComponent(query)}${parameters}`);
const ids = async (query: string, parameters = ''): Promise<string[]> =>
  (await page(query, parameters)).jobs.map((job) => job.id);

/** Jobs of every kind: half-written steps, sweeps, hostile names. The seed is fixed, so that a failure can be repeated. */
async function seedManyJobs(count: number): Promise<JobSummary[]> {
  const names = [
    'Titles',
    'TITLES 100%',
    'a_b',
    'a%b',
    'Ärger',
    'x\\y',
    '<b>"q"</b>',
    '\u202Etxet',
    'wild*card',
  ];
  await sql`
    INSERT INTO jobs (id, name, owner, project, labels, priority, state, error, document, document_sha256,
      submitted_at, started_at, finished_at)
    SELECT 'r' || i, (${names}::text[])[1 + h % ${names.length}], (ARRAY['Ana','ana','bob','o_o'])[1 + h / 7 % 4],
      (ARRAY['film','Ad%'])[1 + h / 3 % 2],
      CASE h % 3 WHEN 0 THEN '{}' WHEN 1 THEN '{"shot": "010", "client": "Acme"}'
        ELSE '{"shot": "SH*20", "version": "v3", "batch": "b1"}' END::jsonb,
      h / 11 % 101, (enum_range(NULL::job_state))[1 + h / 5 % 7],
      CASE WHEN h % 4 = 0 THEN 'Out of MEMORY' END, '{}', 'x',
      date_trunc('second', now()) - h / 13 % 200 * interval '37 minutes' - interval '7 seconds',
      CASE WHEN h % 5 > 1 THEN date_trunc('second', now()) - h / 17 % 90 * interval '31 minutes' - interval '7 seconds' END,
      CASE WHEN h % 5 > 3 THEN date_trunc('second', now()) + interval '13 seconds' END
    FROM generate_series(1, ${count}::int) i, LATERAL (SELECT abs(hashint4(i)) AS h) r`.execute(
    context.ledger,
  );
  await sql`
    INSERT INTO steps (job_id, name, position, engine, spec, state, frame_total, frames_expanded, entry_state, sweep,
      waiting, ready, queued, running, done, failed, held, skipped, cancelled)
    SELECT id, 's' || p, p, (ARRAY['blender','Null','ffmpeg'])[1 + h % 3], '{}', 'running', 100 + h % 50, 100,
      (ARRAY['ready','waiting','cancelled']::frame_state[])[1 + h / 3 % 3],
      (ARRAY['cancel','revive','hold','let-go','retry',NULL,NULL])[1 + h / 7 % 7],
      10, 10, h % 10, 10, 20 - h % 10, 10, 10, 20, 10
    FROM jobs, generate_series(0, 1) p, LATERAL (SELECT abs(hashtext(id || p)) AS h) r
    WHERE id LIKE 'r%' AND (p = 0 OR h % 2 = 0)`.execute(context.ledger);
  const summaries = await Promise.all(
    Array.from({ length: count }, (_, i) => readJobSummary(context.ledger, `r${i + 1}`)),
  );
  return summaries.filter((job) => job !== undefined);
}

describe('a query', () => {
  let jobs: JobSummary[];
  beforeAll(async () => (jobs = await seedManyJobs(150)));

  const word = fc.constantFrom(
    'titles',
    '100%',
    'a_b',
    'A%',
    '"x\\\\y"',
    'ÄRGER',
    'ärger',
    'memory',
    'ana',
    'acme',
    'null',
    '*',
    '"wild*"',
    'r1',
  );
  const number = fc.constantFrom('0', '1', '10', '20', '30', '50', '100', '150', '0.1k');
  const term = fc
    .oneof(
      word,
      fc
        .tuple(
          fc.constantFrom('owner', 'project', 'engine', 'name', 'error', 'shot', 'version', 'batch', 'id'),
          fc.constantFrom(
            'ana',
            'ANA,bob',
            'o_o',
            'a*',
            'film',
            'ad%',
            'blender',
            'n*l',
            '010',
            '"SH*20"',
            'sh*',
            'v3',
            'b1',
            'r7',
            'R7',
            'titles',
            'a%b',
            '*ger',
          ),
        )
        .map(([field, value]) => `${field}:${value}`),
      fc
        .tuple(
          fc.constantFrom(
            'frames',
            'done',
            'failed',
            'held',
            'ready',
            'waiting',
            'queued',
            'running',
            'cancelled',
            'skipped',
            'undecided',
            'progress',
            'priority',
          ),
          fc.constantFrom('>', '>=', '<', '<=', ':'),
          number,
        )
        .map((parts) => parts.join('')),
      fc
        .tuple(
          fc.constantFrom('submitted', 'started', 'finished', 'elapsed'),
          fc.constantFrom('>', '>=', '<', '<='),
          fc.constantFrom('0s', '30m', '10h', '2d', '900000w'),
        )
        .map((parts) => parts.join('')),
      fc
        .subarray([...JOB_STATES, 'open', 'ended'], { minLength: 1 })
        .map((states) => `state:${states.join(',')}`),
      fc.constantFrom('label:client', 'label:client=acme', 'label:shot=0*,sh*', 'label:none'),
    )
    .chain((text) => fc.boolean().map((not) => (not ? `-${text}` : text)));

  it('finds in the ledger what it finds in the page', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(term, { minLength: 1, maxLength: 3 }), async (terms) => {
        const text = terms.join(' ');
        const query = parseJobQuery(text);
        const expected = jobs.filter((job) => matchJob(query, job, Date.now()) === true).map((job) => job.id);
        expect((await ids(text)).toSorted(), text).toEqual(expected.toSorted());
      }),
      { numRuns: 80 },
    );
  });

  it.each(JOB_SORTS)('sorts by %s as the page does, and pages through all, each once', async (by) => {
    for (const descending of [false, true]) {
      const seen: JobSummary[] = [];
      let cursor: string | null = '';
      while (cursor !== null) {
        const { jobs: some, next }: JobsPage = await gateway.json(
          `/api/jobs?query=id:r*&limit=40&sort=${descending ? '-' : ''}${by}${cursor && `&cursor=${cursor}`}`,
        );
        seen.push(...some);
        cursor = next;
      }
      const compare = compareJobs({ by, descending }, Date.now());
      expect(seen).toHaveLength(jobs.length);
      // Where two are alike in all that is sorted by, the ledger's order of ids may be another.
      for (const [i, job] of seen.slice(1).entries()) {
        const before = seen[i]!;
        if (before.submittedAt !== job.submittedAt)
          expect(compare(before, job), `${before.id} ${job.id}`).toBeLessThan(0);
      }
    }
  });

  it('refuses the cursor of a list that was sorted otherwise, or that nobody gave', async () => {
    const { next } = await gateway.json<JobsPage>('/api/jobs?query=id:r*&limit=2&sort=name');
    const odd = Buffer.from(JSON.stringify(['2026-13-40 99:00:00.000000', 'j'])).toString('base64url');
    for (const [sort, cursor] of [
      ['frames', next],
      ['owner', next],
      ['submitted', next],
      ['submitted', odd],
    ])
      await gateway.json(`/api/jobs?query=id:r*&limit=2&sort=${sort}&cursor=${cursor}`, 400);
  });

  it('knows workers and verdicts, which only the ledger does', async () => {
    const keys = await seedJob(context.ledger, { id: 'seen', steps: [{ name: 'render', frames: ['done'] }] });
    const stepKey = keys.get('render') ?? '';
    await seedAttempt(context.ledger, {
      jobId: 'seen',
      stepKey,
      frames: [1],
      worker: 'rn1',
      outcome: 'completed',
    });
    await sql`UPDATE frames SET verdict = 'fail' WHERE step_key = ${stepKey}`.execute(context.ledger);
    expect(await ids('worker:RN*')).toEqual(['seen']);
    expect(await ids('verdict:fail,hold worker:rn1 owner:ann')).toEqual(['seen']);
    expect(await ids('verdict:warn')).toEqual([]);
    expect(await ids('-worker:rn1 id:seen')).toEqual([]);
  });

  it('is asked for together with the other parameters', async () => {
    expect(await ids('id:r*', '&owner=Ana')).toEqual(
      expect.arrayContaining(jobs.filter((job) => job.owner === 'Ana').map((job) => job.id)),
    );
    expect(await ids('id:r* -owner:ana', '&owner=Ana')).toEqual([]);
  });

  it('says which word is wrong, where, and what is possible', async () => {
    const url = `/api/jobs?query=${encodeURIComponent('owner:ana stat:failed')}`;
    const problem = problemSchema.parse(await gateway.json(url, 400));
    expect(problem.errors).toEqual([
      {
        path: 'query',
        value: '"stat" at character 11',
        expected: 'there is no field “stat”; did you mean state?',
      },
    ]);
    const body = { verb: 'pause', filter: { query: 'stat:failed' } };
    expect((await gateway.post('/api/jobs/control', 400, body))['detail']).toContain('did you mean state?');
    const sort = problemSchema.parse(await gateway.json('/api/jobs?sort=colour', 400));
    expect(sort.errors?.[0]).toMatchObject({
      path: 'sort',
      expected: expect.stringContaining('progress') as string,
    });
  });
});

describe('in a ledger of many jobs', () => {
  const COUNT = MOST_LOOKED_AT + 20_000;
  beforeAll(async () => {
    await sql`
      INSERT INTO jobs (id, name, owner, project, priority, state, document, document_sha256, submitted_at)
      SELECT 'many' || i, 'Many', CASE WHEN i = 1 THEN 'Rare' ELSE 'often' END, 'many', 50,
        CASE WHEN i <= 2 THEN 'held' ELSE 'completed' END::job_state, '{}', 'x', now() - interval '1 year' - (${COUNT}::int - i) * interval '1 second'
      FROM generate_series(1, ${COUNT}::int) i`.execute(context.ledger);
  });

  it('goes from an index to the jobs of a page, without statistics', async () => {
    const explained = await explainedLedger(context);
    const queries = new JobQueries(explained.ledger);
    for (const [text, index] of [
      ['', 'jobs_newest'],
      ['owner:rare', 'jobs_owner_newest'],
      ['project:many', 'jobs_project_newest'],
      ['shot:010', 'jobs_shot_newest'],
      ['state:held,paused project:*', 'jobs_state_newest'],
      ['submitted<1h', 'jobs_newest'],
    ] as const) {
      await queries.list({ query: parseJobQuery(text), states: [], limit: 50 });
      const scan = explained
        .take()
        .find((each) => each.text.includes('CROSS JOIN LATERAL') && each.text.includes('stopped'));
      expect(scan?.reads('jobs'), text).toEqual([`Index Scan ${index}`]);
      expect(scan?.rowsRead('jobs'), text).toBeLessThan(200);
    }
    await explained.dispose();
  });

  it('looks at a bounded number of jobs for a page, and goes on from there', async () => {
    const first = await page('name:nowhere');
    expect(first.jobs).toEqual([]);
    expect(first.next).not.toBeNull();
    expect(jobsPageSchema.parse(await page('name:nowhere', `&cursor=${first.next ?? ''}`))).toEqual({
      jobs: [],
      next: null,
    });
    expect(await ids('name:many owner:rare')).toEqual(['many1']);
    expect(await ids('state:held owner:*e*')).toContain('many1');
  });

  it('gives up on what takes too long, and says what helps', async () => {
    const other = new pg.Client({ connectionString: context.databaseUrl });
    await other.connect();
    try {
      await other.query('BEGIN; LOCK TABLE jobs IN ACCESS EXCLUSIVE MODE');
      const problem = problemSchema.parse(await gateway.json('/api/jobs?query=name:nowhere', 400));
      expect(problem.detail).toMatch(/Narrow the query/);
    } finally {
      await other.end();
    }
    expect((await page('owner:ana')).jobs.length).toBeGreaterThan(0);
  });

  it('sorts the newest of too many, and says so', async () => {
    const sorted = await page('project:many', '&sort=name');
    expect(sorted.sortedAmong).toBe(10_000);
    expect((await page('owner:ana', '&sort=name')).sortedAmong).toBeUndefined();
  });
});

describe('a picture of a job', () => {
  it('is one from its middle, or its first, or nothing', async () => {
    const frames = new Array<'ready'>(9).fill('ready');
    const keys = await seedJob(context.ledger, { id: 'pictured', steps: [{ name: 'render', frames }] });
    const look = () => gateway.fetch('/api/jobs/pictured/thumbnail');
    expect((await look()).status).toBe(204);
    await sql`UPDATE steps SET done = 2, ready = 7 WHERE job_id = 'pictured'`.execute(context.ledger);
    for (const number of [2, 6]) {
      const objectKey = `results/pictured/render/t1-1-1/f${number}.png`;
      await seedResult(context.ledger, keys.get('render') ?? '', number, {
        objectKey,
        bytes: 10,
        sha256: '00',
      });
      const answer = await look();
      expect(answer.status).toBe(302);
      expect(answer.headers.get('location')).toContain(objectKey);
    }
  });
});
