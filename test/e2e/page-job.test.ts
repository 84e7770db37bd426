import { createHash } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Frame } from '../../src/shared/contracts/api.ts';
import type { JobSummary } from '../../src/shared/contracts/messages.ts';
import { FarmPage } from '../support/farm-page.ts';
import { need } from '../support/needs.ts';
import { until } from '../support/until.ts';
import { WholeFarm } from '../support/whole-farm.ts';

const browser = need('chromium');

describe.skipIf(browser.skip)(`the page of a job${browser.note}`, () => {
  let farm: WholeFarm;
  let view: FarmPage;
  beforeAll(async () => {
    farm = await WholeFarm.start({ up: ['--slots', '2'] });
    view = await FarmPage.open(farm);
    await view.signIn();
  });
  afterAll(async () => {
    await view.close();
    await farm.stop();
  });

  async function submit(document: Record<string, unknown>): Promise<JobSummary> {
    const file = join(farm.folder, 'job.json');
    await writeFile(file, JSON.stringify({ version: 1, ...document }));
    return farm.json<JobSummary>('submit', file);
  }
  const grid = () => view.page.getByRole('application', { name: /^Frames of step render/ });
  const panel = () => view.page.getByTestId('frame-panel');
  const tab = (name: string) => view.page.getByRole('tab', { name });
  /** How many of these pictures have really been loaded and decoded. */
  const decoded = (selector: string): Promise<number> =>
    view.page
      .locator(selector)
      .evaluateAll(
        (images) =>
          images.filter((image) => (image as unknown as { naturalWidth: number }).naturalWidth > 0).length,
      );

  it('fills with frames and pictures while they are rendered', async () => {
    const job = await submit({
      name: 'Hello',
      engine: 'lottie',
      scene: 'template:title-card',
      frames: '0-23',
      data: { title: 'Hello' },
    });
    await view.goto(`/jobs/${job.id}`);
    await view.expectText(view.page.getByTestId('job-state'), /Queued|Running/);
    await until(
      async () => (await decoded('ul[aria-label="Latest frames"] img')) > 0,
      'a first thumbnail',
      90_000,
    );
    await view.expectText(view.page.getByTestId('job-state'), /Completed/, 90_000);
    await until(
      async () => (await grid().getAttribute('aria-label'))?.includes('24 of 24 frames done') === true,
      'all frames are done',
    );
    await view.expectText(view.pill(), /^Live$/);
    await view.expectAccessible();
    await tab('Pictures').click();
    await until(
      async () => (await decoded('[aria-label="Contact sheet"] img')) >= 12,
      'the contact sheet fills',
    );
    await view.expectAccessible();
  });

  it('shows a frame: its picture, its worker, its checksum', async () => {
    const [job] = await farm.json<JobSummary[]>('jobs');
    const [first] = await farm.json<Frame[]>('frames', job!.id);
    await tab('Frames').click();
    await grid().hover({ position: { x: 5, y: 5 } });
    await view.expectText(view.page.getByTestId('frame-tooltip'), /Frame 0[\s\S]*Done[\s\S]*on /);
    await grid().click({ position: { x: 5, y: 5 } });
    await view.expectText(panel(), new RegExp(`Frame 0[\\s\\S]*${first!.worker}[\\s\\S]*${first!.sha256}`));
    expect(view.page.url()).toContain('frame=render/0');
    await until(async () => (await decoded('[data-testid="frame-panel"] img')) === 1, 'the picture is shown');
    await grid().focus();
    await view.page.keyboard.press('ArrowRight');
    await view.page.keyboard.press('ArrowRight');
    await view.page.keyboard.press('Enter');
    await view.expectText(panel(), /^Frame 1\b/);
    await view.expectAccessible();
  });

  it('renders a frame again when asked, and shows that it was', async () => {
    const [job] = await farm.json<JobSummary[]>('jobs');
    await panel().getByRole('button', { name: 'Render again' }).click();
    await view.page.getByRole('dialog').getByRole('button', { name: 'Render 1 frame' }).click();
    await until(async () => {
      const frames = await farm.json<Frame[]>('frames', job!.id);
      return frames[1]?.generation === 2 && frames[1].state === 'done';
    }, 'the frame is rendered anew');
    await view.expectText(panel(), /asked for 2 times/);
  });

  it('shows what the engine wrote and gives the files', async () => {
    await tab('Log').click();
    await view.expectText(view.page.getByRole('log'), /Frame 1 /);
    await view.page.getByLabel('Search the log').fill('no such line');
    await view.expectText(view.page.getByTestId('log-count'), /^not found$/);
    await view.page.getByLabel('Search the log').fill('frame 1');
    await view.expectText(view.page.getByTestId('log-count'), /^\d+ found$/);
    await view.page.getByLabel('Search the log').press('Enter');
    await view.expectText(view.page.getByTestId('log-count'), /^1 of \d+$/);
    await view.expectAccessible();
    await tab('Files').click();
    const link = view.page.getByRole('link', { name: 'render_0003.png' });
    const [job] = await farm.json<JobSummary[]>('jobs');
    await view.page.getByText(`./farmhand download ${job!.id}`, { exact: true }).waitFor();
    const response = await fetch((await link.getAttribute('href')) ?? '');
    const digest = createHash('sha256').update(Buffer.from(await response.arrayBuffer()));
    const frames = await farm.json<Frame[]>('frames', job!.id);
    expect(digest.digest('hex')).toBe(frames[3]!.sha256);
    await view.expectAccessible();
    await tab('History').click();
    await view.expectText(view.page.getByRole('region', { name: 'History' }), /Submitted/);
    await view.expectAccessible();
    await tab('Notes').click();
    await view.page.getByLabel('A note about this job').fill('The horizon flickers.');
    await view.page.getByRole('button', { name: 'Add note' }).click();
    await view.page.getByRole('region', { name: 'Notes' }).getByText('The horizon flickers.').waitFor();
  });

  it('says why a job failed and retries its failed frames', async () => {
    const job = await submit({
      name: 'Too slow',
      engine: 'null',
      frames: '1-2',
      settings: { frameMs: 60_000 },
      timeouts: { frame: 0.2 },
      maxAttempts: 1,
    });
    await farm.ended(job.id);
    await view.goto(`/jobs/${job.id}`);
    const card = view.page.getByRole('region', { name: 'What went wrong' });
    await view.expectText(card, /2 frames failed[\s\S]*\w/);
    await view.expectAccessible();
    await view.page.getByRole('button', { name: /^Retry failed/ }).click();
    await view.expectText(
      view.page.getByRole('dialog'),
      /2 failed frames of “Too slow” will be rendered again/,
    );
    await view.page.getByRole('button', { name: 'Retry 2 frames' }).click();
    await until(async () => {
      const frames = await farm.json<Frame[]>('frames', job.id);
      return frames.every((frame) => frame.generation === 2);
    }, 'both are asked for again');
  });

  it('draws ten thousand frames and points at one of them', async () => {
    const job = await submit({
      name: 'Many',
      engine: 'null',
      frames: '1-10000',
      settings: { frameMs: 5 },
    });
    await view.goto(`/jobs/${job.id}`);
    await grid().waitFor();
    await until(async () => (await farm.job(job.id)).frames.done > 500, 'the job is under way');
    await view.page.getByRole('button', { name: /^Pause/ }).click();
    await view.expectText(view.page.getByTestId('job-state'), /Paused/);
    await grid().hover({ position: { x: 3, y: 3 } });
    await view.expectText(view.page.getByTestId('frame-tooltip'), /Frame 1\b[\s\S]*Done/);
    // What was under way when the job was paused still comes in.
    await until(async () => {
      const { queued, running } = (await farm.job(job.id)).frames;
      return queued + running === 0;
    }, 'nothing is under way');
    const { done } = (await farm.job(job.id)).frames;
    await view.expectText(
      view.page.getByRole('list', { name: 'Frames by state' }),
      new RegExp(done.toLocaleString('en-US')),
    );
    await farm.cli(['cancel', job.id]);
  });

  it('colours frames by what they took, marks some of them and renders those again', async () => {
    const job = await submit({ name: 'Marked', engine: 'null', frames: '1-40' });
    await farm.ended(job.id);
    await view.goto(`/jobs/${job.id}?colour=worker`);
    await view.expectText(view.page.getByRole('list', { name: 'Frames by worker' }), /\S+/);
    await grid().focus();
    await view.page.keyboard.press('ArrowRight');
    for (let i = 0; i < 3; i++) await view.page.keyboard.press('Shift+ArrowRight');
    const bar = view.page.getByTestId('selection-bar');
    await view.expectText(bar, /4 frames marked\s+1-4/);
    await until(() => Promise.resolve(view.page.url().includes('marked=render/1-4')), 'it is in the address');
    await view.expectAccessible();
    await view.page.keyboard.press('r');
    const dialog = view.page.getByRole('dialog');
    await view.expectText(dialog, /Renders 4 frames again/);
    await dialog.getByRole('button', { name: 'Render 4 frames' }).click();
    await bar.waitFor({ state: 'detached' });
    await until(async () => {
      const frames = await farm.json<Frame[]>('frames', job.id);
      return frames.filter(({ generation }) => generation === 2).length === 4;
    }, 'four are asked for again');
    await tab('Timeline').click();
    await view.page.getByRole('application', { name: /^Attempts of/ }).focus();
    await view.page.keyboard.press('ArrowRight');
    await view.expectText(view.page.getByTestId('bar-details'), /of render on /);
    await view.expectAccessible();
    await tab('Settings').click();
    await view.expectText(view.page.getByLabel('Document of the job'), /"frames": "1-40"/);
    await view.expectAccessible();
  });

  it('says why a job waits, asked at once while nothing of it runs', async () => {
    const job = await submit({ name: 'Large', engine: 'null', frames: '1-3', requires: { cores: 4_096 } });
    await view.goto(`/jobs/${job.id}`);
    await view.expectText(
      view.page.getByTestId('why-summary'),
      /^It needs 4,096 cores for each task; the largest worker with null has \d+\.|^It needs 4,096 cores for each task; the only worker/,
    );
    await view.page.getByRole('button', { name: 'Ask again' }).click();
    await view.expectAccessible();
    await farm.cli(['cancel', job.id]);
  });

  it('shows what was set for a job, and what is set while one looks', async () => {
    const first = await submit({
      name: 'First',
      engine: 'null',
      frames: '1',
      notBefore: '2999-01-01T00:00:00Z',
    });
    const second = await submit({
      name: 'Second',
      dependsOn: [{ job: first.id }],
      preempt: true,
      steps: [
        { name: 'render', engine: 'null', frames: '1-3', requires: { memory: '1 GiB' } },
        {
          name: 'comp',
          engine: 'null',
          frames: '1-3',
          chunk: 2,
          dependsOn: [{ step: 'render', kind: 'frame' }],
        },
      ],
    });
    await view.goto(`/jobs/${second.id}`);
    const step = (name: string) => view.page.getByRole('region', { name: `Step ${name}` });
    await view.expectText(step('render'), /null 1[\s\S]*Needs\s+1 GiB of memory/);
    await view.expectText(step('comp'), /After\s+render, frame by frame\s+Chunk\s+2 frames a task/);
    await view.page.getByText('lower priorities make room').waitFor();
    await view.expectAccessible();
    await tab('Graph').click();
    await view.page.getByRole('button', { name: /^comp .*After render, frame by frame/ }).waitFor();
    await view.expectAccessible();
    await tab('Frames').click();
    await farm.cli(['chunk', second.id, '7', '--step', 'render']);
    await view.expectText(step('render'), /Needs\s+1 GiB of memory\s+Chunk\s+7 frames a task/);
    await view.page.getByRole('link', { name: 'First' }).click();
    await view.expectText(view.page.getByRole('heading', { level: 1 }), /^First$/);
    await view.page.getByText('Not before', { exact: true }).waitFor();
    await farm.cli(['cancel', first.id, second.id]);
  });

  it('works on a phone and says what is not there', async () => {
    await view.page.setViewportSize({ width: 390, height: 844 });
    await view.goto('/jobs');
    await view.page.getByRole('link', { name: 'Hello' }).click();
    await grid().click({ position: { x: 5, y: 5 } });
    await view.expectText(panel(), /^Frame 0\b/);
    const overflow = 'document.documentElement.scrollWidth > document.documentElement.clientWidth';
    expect(await view.page.evaluate(overflow)).toBe(false);
    await view.expectAccessible();
    await view.goto('/jobs/no-such-job');
    await view.page.getByRole('heading', { name: 'This job cannot be shown' }).waitFor();
    // A frame is done a moment before its thumbnail is stored; the page asks again.
    view.expectQuiet(/^404 .*\/thumbnail/);
  });
});
