import { mkdirSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { JobSummary } from '../../src/shared/contracts/messages.ts';
import { FarmPage } from '../support/farm-page.ts';
import { need } from '../support/needs.ts';
import { until } from '../support/until.ts';
import { WholeFarm } from '../support/whole-farm.ts';

const browser = need('chromium');
const povray = need('povray');
/** A folder for pictures of the page, to be looked at; without it none are taken. */
const PICTURES = process.env['FARMHAND_TEST_PICTURES'];
/** Turns the text around and is longer than any column. */
const NAME = `\u202e<img src=x onerror=alert(1)> ${'Shot 🎬 '.repeat(20)}`;

describe.skipIf(browser.skip || povray.skip)(
  `failures and workers, on the page${browser.note}${povray.note}`,
  () => {
    let farm: WholeFarm;
    let view: FarmPage;
    let broken: JobSummary;
    beforeAll(async () => {
      farm = await WholeFarm.start({ up: ['--workers', '2', '--slots', '2'] });
      view = await FarmPage.open(farm);
      await view.signIn();
      const scene = join(farm.folder, 'broken.pov');
      await writeFile(
        scene,
        'camera { location <0, 0, -3> }\nsphere { <0, 0, 0>, radius_that_is_not_there }\n',
      );
      broken = await farm.json<JobSummary>(
        'submit',
        scene,
        '--name',
        NAME,
        '--frames',
        '1-4',
        '--chunk',
        '1',
      );
      await farm.ended(broken.id);
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
    const card = () => view.page.getByRole('article');
    const dialog = () => view.page.getByRole('dialog');
    const fitsAPhone = async (): Promise<void> => {
      const overflow = 'document.documentElement.scrollWidth > document.documentElement.clientWidth';
      expect(await view.page.evaluate(overflow)).toBe(false);
    };
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

    it('says what failed in plain words, with the line of the log, and where', async () => {
      await view.page.getByRole('link', { name: 'Failures' }).click();
      await view.expectText(card(), /The engine cannot render the scene/);
      await view.expectText(card(), /What helps\s+Open the scene, mend what the line names/);
      await view.expectText(
        card().getByRole('region', { name: 'What was said' }),
        /radius_that_is_not_there/,
      );
      await view.expectText(card().getByRole('region', { name: 'Where' }), /render · 1-4 \(4\)/);
      await look('failures');
    });

    it('renders the failed frames again once it has said what that does', async () => {
      await card()
        .getByRole('button', { name: /^Retry 4 frames of/ })
        .click();
      await view.expectText(dialog(), /Renders 4 frames again/);
      await dialog().getByRole('button', { name: 'Retry 4 frames' }).click();
      await until(async () => (await farm.job(broken.id)).startedAt !== null, 'it was asked again');
      await view.expectText(view.page.getByText(/4 frames are rendered again/), /4 frames/);
      await farm.ended(broken.id);
      await view.expectText(card(), /(?:1[3-9]|2\d) attempts/, 60_000);
    });

    it('is an address: the time and the worker that it is narrowed to', async () => {
      await view.page.getByRole('radio', { name: 'the last hour' }).click();
      await until(() => view.page.url().includes('since=1h'), 'the address says so');
      await view.goto('/failures?since=7d&job=nothing');
      await view.page.getByRole('heading', { name: 'No failures in the last 7 days' }).waitFor();
      await look('no-failures');
      await view.page.getByRole('button', { name: 'Not only job nothing' }).click();
      await view.expectText(card(), /The engine cannot render the scene/);
    });

    it('fits on a phone', async () => {
      await view.page.setViewportSize({ width: 390, height: 844 });
      await view.goto('/failures');
      await view.page.getByRole('region', { name: 'Reasons' }).getByRole('button').first().click();
      await card().getByRole('region', { name: 'What helps' }).waitFor();
      await fitsAPhone();
      await look('failures-phone');
      await view.goto('/workers');
      await view.page.getByRole('region', { name: 'Workers' }).waitFor();
      await fitsAPhone();
      await look('workers-phone');
      await view.page.setViewportSize({ width: 1440, height: 900 });
    });

    it('lists the workers, filtered and sorted by the address', async () => {
      await submit({
        version: 1,
        name: 'Long',
        engine: 'null',
        frames: '1-400',
        settings: { frameMs: 1_000 },
      });
      const table = view.page.getByRole('region', { name: 'Workers' });
      await view.expectText(table, /Rendering[\s\S]*Long\s+frame \d+/);
      await view.page.getByRole('button', { name: 'CPU' }).click();
      await until(() => view.page.url().includes('sort=cpu'), 'the order is in the address');
      const filter = view.page.getByRole('textbox', { name: 'Filter workers' });
      await filter.fill('state:lost');
      await view.page.getByRole('heading', { name: 'No worker fits this filter' }).waitFor();
      await filter.fill('state:here engine:povray');
      await view.expectText(table, /povray/);
      await look('workers');
      await view.page.getByRole('radio', { name: 'Map' }).click();
      await view.page.getByRole('application', { name: /^Map of 2 workers/ }).focus();
      await view.page.keyboard.press('ArrowRight');
      await view.page.getByText(/of 2 slots · CPU/).waitFor();
      await look('workers-map');
      await view.page.getByRole('radio', { name: 'Table' }).click();
    });

    it('pauses the chosen ones, and takes it back', async () => {
      await view.page.getByRole('checkbox', { name: 'Choose all that are shown' }).check();
      await view.page.getByRole('textbox', { name: 'Why, for those who wonder' }).fill('rack is moved');
      await look('workers-chosen');
      await view.page.getByRole('button', { name: 'Pause', exact: true }).click();
      await view.expectText(dialog(), /Pauses .* and .*under way (is|are) finished first/);
      await dialog().getByRole('button', { name: 'Pause 2 workers' }).click();
      await until(
        async () => (await farm.workers()).every(({ pause }) => pause?.reason === 'rack is moved'),
        'both pause',
      );
      await view.page.getByRole('button', { name: 'Undo' }).click();
      await until(async () => (await farm.workers()).every(({ pause }) => pause === null), 'both work again');
    });

    it('shows one worker: its facts, its last tasks with their logs, and its failures', async () => {
      const [worker] = await farm.workers();
      await view.page.getByRole('link', { name: worker?.id ?? '' }).click();
      await view.expectText(view.page.getByRole('list', { name: 'Last tasks' }), /Running|Completed|Failed/);
      await view.expectText(
        view.page.getByRole('list', { name: 'The last ten minutes' }),
        /CPU[\s\S]*Memory/,
      );
      await view.expectText(view.page.getByRole('region', { name: 'Who did what' }), /Paused /);
      await look('worker');
      await view.page.getByRole('textbox', { name: 'Works at' }).fill('00:00-24:00');
      await view.page.getByRole('button', { name: 'Set' }).click();
      await view.expectText(dialog(), /by its own clock/);
      await view.page.keyboard.press('Escape');
      await view.goto('/workers/nobody');
      await view.page.getByRole('heading', { name: 'There is no worker nobody' }).waitFor();
      view.expectQuiet();
    });
  },
);
