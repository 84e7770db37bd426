import { execFile } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { cp, rm, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { BatchSummary } from '../../src/shared/contracts/batch.ts';
import type { JobSummary } from '../../src/shared/contracts/messages.ts';
import { blenderEngine } from '../../src/worker/engines/blender/engine.ts';
import { engineHere } from '../support/engine-needs.ts';
import { FarmPage } from '../support/farm-page.ts';
import { need } from '../support/needs.ts';
import { until } from '../support/until.ts';
import { WholeFarm } from '../support/whole-farm.ts';

const browser = need('chromium');
const blender = await engineHere(blenderEngine, 'blender');
const MAKE_SCENES = join(import.meta.dirname, '../fixtures/blend/make-render-blends.py');
/** A folder for pictures of the page, to be looked at; without it none are taken. */
const PICTURES = process.env['FARMHAND_TEST_PICTURES'];
const TITLE_CARD = join(import.meta.dirname, '../../examples/templates/title-card');

describe.skipIf(browser.skip)(`templates and batches on the page${browser.note}`, () => {
  let farm: WholeFarm;
  let view: FarmPage;
  beforeAll(async () => {
    farm = await WholeFarm.start({ up: ['--workers', '1', '--slots', '2'] });
    view = await FarmPage.open(farm);
    await view.signIn();
  });
  afterAll(async () => {
    await view.close();
    await farm.stop();
  });

  const heading = (name: string) => view.page.getByRole('heading', { name, exact: true });
  const title = () => view.page.getByRole('textbox', { name: 'Title', exact: true });
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

  it('shows what there is, found by a filter that stands in the address', async () => {
    const folder = join(farm.folder, 'evening');
    await cp(TITLE_CARD, folder, { recursive: true });
    await rm(join(folder, 'rows.csv'));
    await farm.json('template', 'push', folder, '--name', 'evening');
    await view.page.getByRole('link', { name: 'Templates' }).click();
    await heading('Templates').waitFor();
    const cards = view.page.getByRole('region', { name: 'Templates' }).getByRole('listitem');
    await view.expectText(cards, /evening@1 · lottie · 3 slots[\s\S]*title-card@\d+ · lottie · 3 slots/);
    await look('templates');
    await view.page.getByLabel('Filter templates').fill('lottie even');
    await until(async () => (await cards.count()) === 1, 'only what matches stays');
    expect(new URL(view.page.url()).searchParams.get('q')).toBe('lottie even');
    await view.page.getByLabel('Filter templates').fill('no such thing');
    await view.page.getByRole('button', { name: 'Show every template' }).click();
    await cards.nth(1).click();
    await view.page.getByRole('form', { name: 'Render' }).waitFor();
  });

  it('fits on a phone', async () => {
    await view.page.setViewportSize({ width: 390, height: 844 });
    const overflow = 'document.documentElement.scrollWidth > document.documentElement.clientWidth';
    expect(await view.page.evaluate(overflow)).toBe(false);
    await view.page.setViewportSize({ width: 1440, height: 900 });
  });

  it('says by field what the farm does not take', async () => {
    await view.page.getByLabel('Accent colour', { exact: true }).fill('red');
    await view.page.getByLabel('Frames').fill('9-');
    await view.page.getByRole('button', { name: 'Render' }).click();
    await view.expectText(view.page.locator('#field-title-error'), /expected/);
    await view.expectText(view.page.locator('#field-accent-error'), /"red"; expected/);
    expect(await title().getAttribute('aria-invalid')).toBe('true');
    await look('template');
    view.expectQuiet(/^(400|422) .*\/api\/jobs$/);
  });

  it('renders what was filled in, with the version and a video, and leads to the job', async () => {
    await title().fill('Opening night');
    await view.page.getByLabel('Choose Accent colour').fill('#ff8800');
    await view.page.getByLabel('Frames').fill('0-3');
    await view.page.getByLabel('Video').selectOption('h264');
    await view.page.getByRole('button', { name: 'Render' }).click();
    await view.page.waitForURL(/\/jobs\/[\w-]+$/);
    await view.expectText(view.page.getByTestId('job-state'), /Completed/, 120_000);
    const id = view.page.url().split('/').at(-1) ?? '';
    const { frames } = await farm.json<JobSummary>('job', id);
    expect(frames).toMatchObject({ total: 5, done: 5 });
  });

  it('shows a batch: what became of its rows, refused ones by line, and the results as CSV', async () => {
    const table = join(farm.folder, 'rows.csv');
    await writeFile(table, `title\nOne\nTwo\n${'x'.repeat(81)}\n`);
    const { id } = await farm.json<BatchSummary>(
      ...['render', 'title-card', '--batch', table, '--frames', '0-1', '--name', 'Evenings'],
    );
    await view.page.getByRole('link', { name: 'Batches' }).click();
    await view.expectText(view.page.getByRole('region', { name: 'Batches' }), /Evenings[\s\S]*title-card@/);
    await look('batches');
    await view.page.getByRole('link', { name: 'Evenings' }).click();
    await view.expectText(view.page.getByTestId('batch-state'), /Ended with failures/, 120_000);
    await view.expectText(
      view.page.getByRole('list', { name: 'Refused rows by line' }),
      /Line 4\s+\/title: [\s\S]*80/,
    );
    const rows = view.page.getByRole('table', { name: 'Rows' });
    await view.expectText(rows, /Completed[\s\S]*Completed[\s\S]*Refused/);
    await look('batch');
    const link = view.page.getByRole('link', { name: 'Results (CSV)' });
    const answer = await view.page.request.get(view.url + ((await link.getAttribute('href')) ?? ''));
    expect((await answer.text()).split('\n').filter((line) => line.includes(`${id}-`))).toHaveLength(2);
    await rows.getByRole('link').first().click();
    await view.expectText(view.page.getByTestId('job-state'), /Completed/);
  });

  it.skipIf(blender.skip)(
    `asks whether a scene’s scripts are trusted, and goes on${blender.note}`,
    async () => {
      const program = blender.detected.program;
      const make = ['-b', '--factory-startup', '--python', MAKE_SCENES, '--', farm.folder];
      await promisify(execFile)(
        program,
        basename(program).startsWith('python') ? [MAKE_SCENES, farm.folder] : make,
        {
          maxBuffer: 50_000_000,
        },
      );
      const scene = join(farm.folder, 'scripted.blend');
      const { id } = await farm.json<JobSummary>('submit', scene, '--frames', '1-2');
      await view.goto(`/jobs/${id}`);
      const question = view.page.getByRole('region', { name: 'Trust this project’s scripts?' });
      await view.expectText(question, /Scripts in the file were not run/, 120_000);
      expect(await view.page.getByRole('button', { name: /^Resume/ }).count()).toBe(0);
      await look('scripts');
      await question.getByRole('button', { name: 'Trust this project’s scripts and go on' }).click();
      const dialog = view.page.getByRole('dialog');
      await view.expectText(dialog, /Goes on with the job[\s\S]*scripts in its scenes are trusted/);
      await dialog.getByRole('button', { name: 'Trust and go on' }).click();
      await question.waitFor({ state: 'detached' });
      await view.expectText(view.page.getByTestId('job-state'), /Completed/, 120_000);
    },
  );
});
