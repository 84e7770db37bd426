import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { JobSummary } from '../../../src/shared/contracts/messages.ts';
import type { CommandLineFarm } from '../local-farm.ts';
import { writeSlowScene } from '../slow-scene.ts';
import { until } from '../until.ts';

const EXAMPLES = join(import.meta.dirname, '../../../examples');
const BROKEN_SCENE = `#version 3.7;
camera { location <0, 1, -4> look_at 0 }
light_source { <2, 4, -3> rgb 1 }
sphere { 0, 1 pigment { rgb <1, 0.4, Blau> } }
`;

/** What the pictures show: a farm in the middle of a day, with jobs in every state. Ids by what they are for. */
export interface Stage {
  url: string;
  token: string;
  finished: string;
  running: string;
  failed: string;
  decided: string;
  batch: string;
  worker: string;
}

/** Starts a farm and has its engines render the examples, and a few jobs that go wrong as jobs do. */
export async function setStage(farm: CommandLineFarm, say: (line: string) => void): Promise<Stage> {
  const ask = async <T>(...args: string[]): Promise<T> => {
    const { code, stdout, stderr } = await farm.run([...args, '--json']);
    if (code !== 0) throw new Error(`farmhand ${args.join(' ')} ended with ${code}: ${stderr}${stdout}`);
    return JSON.parse(stdout) as T;
  };
  const submit = async (name: string, document: object): Promise<string> => {
    const file = join(farm.folder, `${name.replaceAll(/\W+/g, '-')}.json`);
    await writeFile(file, JSON.stringify({ version: 1, name, ...document }));
    return (await ask<JobSummary>('submit', file)).id;
  };
  const ended = (id: string): Promise<void> =>
    until(
      async () => !['queued', 'running'].includes((await ask<JobSummary>('job', id)).state),
      `${id} ends`,
      240_000,
    );

  say('starting a farm …');
  await ask('up', '--detach', '--workers', '2');
  const environment = await ask<Record<string, string>>('env');
  say('rendering the examples …');
  await ask('demo', '--output', join(farm.folder, 'home-taken'));
  const jobs = await ask<{ jobs: JobSummary[] } | JobSummary[]>('jobs');
  const all = Array.isArray(jobs) ? jobs : jobs.jobs;
  const finished = all.find(({ name }) => name.includes('Orrery'))?.id ?? all[0]?.id ?? '';

  say('letting things go wrong …');
  const harbour = join(farm.folder, 'harbour.pov');
  await writeFile(harbour, BROKEN_SCENE);
  const { id: failed } = await ask<JobSummary>(
    ...['submit', harbour, '--name', 'Harbour at dusk', '--project', 'harbour', '--frames', '1-24'],
  );
  const lottie = { engine: 'lottie', scene: 'template:title-card' };
  const decided = await submit('Night shot', {
    ...{ ...lottie, project: 'festival', owner: 'tom', frames: '0-5', data: { title: 'Night' } },
    quality: {
      checks: { depth: { verdict: 'hold', threshold: 16 } },
      intended: [{ frames: '0-1', checks: ['depth'] }],
    },
  });
  await ended(failed);
  await ended(decided);
  const { id: batch } = await ask<{ id: string }>(
    ...['render', 'title-card', '--batch', join(EXAMPLES, 'templates/title-card/rows.csv')],
    ...['--project', 'festival', '--name', 'Programme titles'],
  );
  await submit('City, all cores', {
    ...{ ...lottie, project: 'city', owner: 'ben', frames: '0-40', data: { title: 'City' } },
    requires: { cores: 512 },
  });
  const paused = await submit('Trailer titles', {
    ...{ ...lottie, project: 'festival', owner: 'tom', frames: '0-80', data: { title: 'Trailer' } },
    labels: { shot: '110', version: 'v001' },
  });
  await ask('pause', paused);
  await ask('note', finished, 'Approved by the client; deliver as ProRes, too.');
  await ask('webhooks', 'add', 'https://studio.example/hooks/farm');
  await until(
    async () => !['checking', 'expanding'].includes((await ask<{ state: string }>('batch', batch)).state),
    'the rows are jobs',
    60_000,
  );
  const { id: running } = await ask<JobSummary>(
    ...['submit', await writeSlowScene(join(farm.folder, 'moonrise'), 0.4), '--name', 'Moonrise, long cut'],
    ...['--project', 'harbour', '--frames', '1-600'],
  );
  await until(async () => (await ask<JobSummary>('job', running)).frames.done > 20, 'frames come', 90_000);
  const workers = await ask<{ id: string }[]>('workers');
  return {
    ...{ finished, running, failed, decided, batch },
    url: environment['FARMHAND_URL'] ?? '',
    token: environment['FARMHAND_TOKEN'] ?? '',
    worker: workers[0]?.id ?? '',
  };
}
