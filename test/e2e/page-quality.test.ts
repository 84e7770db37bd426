import { mkdirSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { JobSummary } from '../../src/shared/contracts/messages.ts';
import type { FrameQualityPage } from '../../src/shared/contracts/quality-api.ts';
import { FarmPage } from '../support/farm-page.ts';
import { need } from '../support/needs.ts';
import { until } from '../support/until.ts';
import { WholeFarm } from '../support/whole-farm.ts';

const browser = need('chromium');
/** A folder for pictures of the page, to be looked at; without it none are taken. */
const PICTURES = process.env['FARMHAND_TEST_PICTURES'];

/** Six pictures of 8 bits where 16 are asked for: two of them on purpose, four wait for a person. */
const DOCUMENT = {
  version: 1,
  name: 'Night shot',
  engine: 'lottie',
  scene: 'template:title-card',
  frames: '0-5',
  data: { title: 'Night' },
  quality: {
    checks: { depth: { verdict: 'hold', threshold: 16 } },
    intended: [{ frames: '0-1', checks: ['depth'] }],
  },
};

describe.skipIf(browser.skip)(`results that wait, on the page${browser.note}`, () => {
  let farm: WholeFarm;
  let view: FarmPage;
  let job: JobSummary;
  beforeAll(async () => {
    farm = await WholeFarm.start({ up: ['--workers', '1', '--slots', '2'] });
    view = await FarmPage.open(farm);
    await view.signIn();
    job = await submit(DOCUMENT);
    await view.goto(`/jobs/${job.id}`);
  });
  afterAll(async () => {
    await view.close();
    await farm.stop();
  });

  async function submit(document: unknown): Promise<JobSummary> {
    const file = join(farm.folder, 'job.json');
    await writeFile(file, JSON.stringify(document));
    return farm.json<JobSummary>('submit', file);
  }
  const card = () => view.page.getByRole('region', { name: 'Waits for your decision' });
  const panel = () => view.page.getByTestId('frame-panel');
  const dialog = () => view.page.getByRole('dialog');
  const tab = (name: string) => view.page.getByRole('tab', { name });
  const quality = (frame: number) => farm.json<FrameQualityPage>('quality', job.id, '--frame', String(frame));
  const loaded = (selector: string): Promise<number> =>
    view.page
      .locator(selector)
      .evaluateAll(
        (images) =>
          images.filter((image) => (image as unknown as { naturalWidth: number }).naturalWidth > 0).length,
      );
  /** axe in both themes, and a picture where somebody wants to look. */
  async function look(name: string): Promise<void> {
    await view.expectAccessible();
    if (PICTURES === undefined) return;
    mkdirSync(PICTURES, { recursive: true });
    for (const theme of ['Dark theme', 'Light theme']) {
      const button = view.page.getByRole('button', { name: theme });
      if (await button.isVisible()) await button.click();
      const path = join(PICTURES, `${name}-${theme.slice(0, 5).trim().toLowerCase()}.png`);
      await view.page.screenshot({ path, animations: 'disabled' });
    }
  }

  it('says which frames wait and why, and shows the verdict of each', async () => {
    await view.expectText(view.page.getByTestId('job-state'), /Held/, 120_000);
    await view.expectText(card(), /4 frames wait for your decision[\s\S]*8 bits/);
    await view.page.getByRole('radio', { name: 'Verdict' }).check({ force: true });
    await view.expectText(
      view.page.getByRole('list', { name: 'Frames by verdict' }),
      /Good\s+2\s+To be decided\s+4/,
    );
    await view.expectText(
      view.page.getByRole('list', { name: 'Findings' }),
      /To be decided\s+4 frames\s+It has 8 bits/,
    );
    await card().getByRole('button', { name: 'Look at frame 2 of render' }).click();
    await view.expectText(panel(), /^Frame 2\b[\s\S]*To be decided[\s\S]*8 bits/);
    await until(
      async () => (await loaded('[data-testid="frame-panel"] img')) > 0,
      'the held picture is shown',
    );
    await look('decisions');
  });

  it('fits on a phone', async () => {
    await view.page.setViewportSize({ width: 390, height: 844 });
    await card().getByRole('button', { name: 'Accept' }).waitFor();
    const overflow = 'document.documentElement.scrollWidth > document.documentElement.clientWidth';
    expect(await view.page.evaluate(overflow)).toBe(false);
    await look('phone');
    await view.page.setViewportSize({ width: 1440, height: 900 });
    await view.page
      .getByRole('application', { name: /^Frames of step render/ })
      .hover({ position: { x: 70, y: 10 } });
    await view.expectText(view.page.getByTestId('frame-tooltip'), /Frame 2\s+Held\s+To be decided/);
  });

  it('takes a frame as it is, with a note, once it was said what that does', async () => {
    await card().getByLabel('Why (a note for the history)').fill('nobody will see it');
    await card().getByRole('button', { name: 'Accept' }).click();
    await view.expectText(dialog(), /Accepts 1 frame as it is\./);
    await look('accept');
    expect((await quality(2)).state).toBe('held');
    await dialog().getByRole('button', { name: 'Accept' }).click();
    await view.expectText(card(), /3 frames wait for your decision/);
    expect(await quality(2)).toMatchObject({
      state: 'done',
      verdict: 'warn',
      attempts: [{ decision: 'accepted', note: 'nobody will see it' }],
    });
    await view.expectText(panel(), /Warning/);
  });

  it('renders a frame again and lays both results side by side', async () => {
    await card().getByRole('button', { name: 'Look at frame 3 of render' }).click();
    await card().getByRole('button', { name: 'Render again' }).click();
    await view.expectText(dialog(), /Renders 1 frame again/);
    await dialog().getByRole('button', { name: 'Render again' }).click();
    await until(
      async () => {
        const { state, generation } = await quality(3);
        return state === 'held' && generation === 2;
      },
      'the frame is rendered anew and held again',
      90_000,
    );
    const results = panel().getByRole('list', { name: 'Results of this frame' });
    await view.expectText(results, /Result 1[\s\S]*Rendered again by[\s\S]*Now[\s\S]*Waits for a decision/);
    await panel().getByRole('button', { name: 'Compare' }).click();
    await until(async () => (await loaded('[role="dialog"] img')) === 2, 'both pictures are shown');
    await view.page.getByLabel('Where the line is').fill('20');
    await look('compare');
    await view.page.keyboard.press('Escape');
    await dialog().waitFor({ state: 'detached' });
  });

  it('leaves a frame out, accepts the others, and the job is delivered', async () => {
    await card().getByRole('button', { name: 'Look at frame 5 of render' }).click();
    await card().getByRole('button', { name: 'Skip' }).click();
    await view.expectText(dialog(), /Skips 1 held frame/);
    await dialog().getByRole('button', { name: 'Skip' }).click();
    await view.expectText(card(), /2 frames wait for your decision/);
    await card().getByRole('button', { name: 'Accept' }).click();
    await view.expectText(dialog(), /Accepts 2 frames as they are\./);
    await dialog().getByRole('button', { name: 'Accept' }).click();
    await card().waitFor({ state: 'detached' });
    await view.expectText(view.page.getByTestId('job-state'), /Completed/, 60_000);
    await until(async () => (await farm.job(job.id)).deliveredAt !== null, 'it is delivered', 60_000);
    expect((await farm.job(job.id)).frames).toMatchObject({ done: 5, skipped: 1, held: 0 });
  });

  it('gives all files as one zip, and what they are', async () => {
    await tab('Files').click();
    const download = view.page.waitForEvent('download');
    await view.page.getByRole('link', { name: 'All as zip' }).click();
    expect((await download).suggestedFilename()).toBe('Night shot.zip');
    expect(await (await download).failure()).toBeNull();
    const link = view.page.getByRole('link', { name: 'Manifest (JSON)' });
    const answer = await view.page.request.get(view.url + ((await link.getAttribute('href')) ?? ''));
    expect(await answer.json()).toMatchObject({ count: 5 });
    await look('files');
  });

  it('plays the frames both ways', async () => {
    await tab('Player').click();
    const time = async (): Promise<number> =>
      Number.parseFloat(await view.page.getByTestId('player-time').innerText());
    await view.page.getByTestId('player-time').waitFor({ timeout: 120_000 });
    await until(
      async () => /\/ 0\.[1-9]/.test(await view.page.getByTestId('player-time').innerText()),
      'the video is there',
    );
    await look('player');
    await view.page.getByRole('region', { name: 'Player' }).focus();
    await view.page.keyboard.press('l');
    await until(async () => (await time()) > 0, 'it plays');
    await view.page.keyboard.press('j');
    await view.expectText(view.page.getByTestId('player-rate'), /^-1 ×$/);
    await view.page.keyboard.press('k');
    await view.expectText(view.page.getByTestId('player-rate'), /^Stands$/);
    await view.page.keyboard.press('Home');
    await view.expectText(view.page.getByTestId('player-picture'), /^1 \/ 6$/);
    await view.page.keyboard.press('.');
    await view.page.keyboard.press('.');
    await view.expectText(view.page.getByTestId('player-picture'), /^3 \/ 6$/);
    await view.page.keyboard.press(',');
    await view.expectText(view.page.getByTestId('player-picture'), /^2 \/ 6$/);
  });

  it('deletes the job, having said what that frees, and takes it back', async () => {
    await view.page.getByRole('button', { name: 'More: Night shot' }).click();
    await view.page.getByRole('menuitem', { name: 'Delete' }).click();
    await view.expectText(dialog(), /Deletes the job: \d+ files, [\d.]+ kB/);
    await dialog().getByRole('button', { name: 'Delete the job' }).click();
    await view.page.getByText(/^In the bin since/).waitFor();
    expect((await farm.job(job.id)).bin).toBeDefined();
    await view.page.getByRole('button', { name: 'Undo' }).click();
    await until(async () => (await farm.job(job.id)).bin === undefined, 'it is out of the bin');
    await view.page.getByText(/^In the bin since/).waitFor({ state: 'detached' });
    await look('restored');
    // A frame is done a moment before its thumbnail is stored; the page asks again.
    view.expectQuiet(/^404 .*\/thumbnail/);
  });

  it('shows the pictures of a job of which every frame waits', async () => {
    const { checks } = DOCUMENT.quality;
    const { id } = await submit({ ...DOCUMENT, name: 'All of it', quality: { checks } });
    await view.goto(`/jobs/${id}?tab=pictures`);
    await view.expectText(card(), /6 frames wait for your decision/, 90_000);
    await until(async () => (await loaded('[aria-label="Contact sheet"] img')) === 6, 'all are shown');
    await look('pictures');
  });
});
