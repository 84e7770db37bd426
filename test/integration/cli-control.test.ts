import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ControlManyReply, ControlReply } from '../../src/shared/contracts/api.ts';
import type { JobSummary } from '../../src/shared/contracts/messages.ts';
import { createCoordinatorFarm, type CoordinatorFarm } from '../support/coordinator.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { jobWhen, submit } from '../support/jobs.ts';
import { CommandLineFarm, type CommandOutcome } from '../support/local-farm.ts';

/** The commands for jobs against a gateway and a coordinator; nothing is rendered. */
describe('commands for jobs', () => {
  let farm: CoordinatorFarm;
  let gateway: TestGateway;
  let commandLine: CommandLineFarm;

  beforeAll(async () => {
    farm = await createCoordinatorFarm();
    gateway = await startTestGateway(farm.context);
    commandLine = await CommandLineFarm.create();
    for (const id of ['a', 'b', 'c'])
      await submit(farm.context, { version: 1, id, name: `job ${id}`, engine: 'null', frames: '1-10' });
  });
  afterAll(async () => {
    await commandLine.dispose();
    await gateway.stop();
    await farm.dispose();
  });

  const cli = (...args: string[]): Promise<CommandOutcome> =>
    commandLine.run(args, { FARMHAND_URL: gateway.url, FARMHAND_TOKEN: gateway.token });
  const json = async <T>(...args: string[]): Promise<T> =>
    JSON.parse((await cli(...args, '--json')).stdout) as T;

  it('say what they would do, and then do it to one job or to several', async () => {
    const dry = await cli('cancel', 'a', 'b', 'c', '--dry-run');
    expect(dry).toMatchObject({
      code: 0,
      stdout: 'Cancels 30 frames that have not begun of 3 jobs.\n',
      stderr: 'Nothing was changed.\n',
    });
    expect(await cli('priority', 'a', 'b', '70')).toMatchObject({
      code: 0,
      stdout: 'Set the priority of 2 jobs to 70; it acts on 20 frames that have not begun.\n',
    });
    expect(await cli('priority', 'a', '70')).toMatchObject({
      code: 0,
      stdout: 'The priority is 70 already.\n',
    });
    const reply = await json<ControlManyReply>('pause', 'a', 'nowhere');
    expect(reply).toMatchObject({
      ok: false,
      jobs: [
        { id: 'a', ok: true },
        { id: 'nowhere', ok: false },
      ],
    });
    const resumed = await cli('resume', 'a', 'nowhere');
    expect(resumed).toMatchObject({ code: 1, stderr: 'nowhere: There is no job nowhere.\n' });
    expect(resumed.stdout).toMatch(/^Went on with the job: 10 frames to render\. 1 job refused it/);
  });

  it('change frames, chunks and limits', async () => {
    expect((await cli('add-frames', 'b', '9-12')).stdout).toBe(
      'Added 2 frames; 2 of those asked for were there already.\n',
    );
    expect((await cli('skip', 'b', '--frames', '1-3')).stdout).toBe(
      'Skipped 3 frames that have not begun.\n',
    );
    expect((await cli('retry', 'b', '--frames', '3', '--dry-run')).stdout).toBe('Renders 1 frame again.\n');
    expect((await cli('chunk', 'b', '4')).stdout).toMatch(/^Set chunks of 4 frames for 1 step;/);
    expect((await cli('chunk', 'b', 'auto', '--target-seconds', '60', '--step', 'render')).stdout).toMatch(
      /^Set auto chunks and a target of 60 s a chunk for step render;/,
    );
    expect((await cli('chunk', 'b', '--target-seconds', '5')).stdout).toMatch(/^Set a target of 5 s a chunk/);
    expect((await cli('limit', 'b', '3')).stdout).toMatch(/^Let at most 3 frames of the job run at once;/);
    expect((await cli('limit', 'b', 'none')).stdout).toMatch(
      /^Let any number of frames of the job run at once;/,
    );
    expect((await jobWhen(farm.context, 'b', 'queued')).frames).toMatchObject({
      total: 12,
      ready: 9,
      skipped: 3,
    });
  });

  it('keep notes, and show them with what was done to the job', async () => {
    expect(await cli('note', 'c', 'grain', 'is', 'wrong')).toMatchObject({
      code: 0,
      stdout: 'Added a note to the job.\n',
    });
    await cli('pause', 'c');
    const { stdout } = await cli('job', 'c');
    expect(stdout).toMatch(/note by .+, 20.+Z\n {2}grain is wrong/);
    expect(stdout).toMatch(
      /WHEN +WHO +ASKED FOR +OUTCOME\n20\S+Z +\S+ +note +Added a note to the job\.\n20\S+Z +\S+ +pause +Paused the job/,
    );
    const shown = await json<JobSummary & { notes: unknown[]; events: unknown[] }>('job', 'c');
    expect(shown).toMatchObject({ id: 'c', notes: [{ text: 'grain is wrong' }] });
    expect(shown.events).toHaveLength(2);
  });

  it('submit a job again with changes', async () => {
    const reply = await json<ControlReply>('resubmit', 'a', '--set', 'frames=1-3', '--set', 'name=again');
    const made = await json<JobSummary>('job', reply.jobId ?? '');
    expect(made).toMatchObject({ name: 'again', state: 'queued', frames: { total: 3 } });
    const wrong = await cli('resubmit', 'a', '--set', 'frames=x', '--set', 'colour=red');
    expect(wrong.code).toBe(1);
    expect(wrong.stderr).toMatch(/colour/);
  });

  it('refuse what is wrong before the farm is asked', async () => {
    const wrong: [string[], RegExp][] = [
      [['chunk', 'a', '0'], /from 1 to 10,000/],
      [['limit', 'a', '0'], /from 1 to 1,000,000/],
      [['priority', 'a', '1000'], /from 0 to 100/],
      [['priority', 'a'], /comes the priority/],
      [['skip', 'a', '--frames', 'x'], /1-100/],
      [['resubmit', 'a', '--set', 'name'], /--set path=value/],
    ];
    const outcomes = await Promise.all(wrong.map(([args]) => cli(...args)));
    for (const [index, [args, expected]] of wrong.entries()) {
      expect(outcomes[index], args.join(' ')).toMatchObject({
        code: 2,
        stderr: expect.stringMatching(expected) as string,
      });
    }
  });
});
