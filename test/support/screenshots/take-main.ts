import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { chromium, type Page } from 'playwright-core';
import sharp from 'sharp';
import { CommandLineFarm } from '../local-farm.ts';
import { until } from '../until.ts';
import { findOnPath } from '../../../src/shared/programs/find-on-path.ts';
import { setStage, type Stage } from './stage.ts';

/**
 * Takes the pictures of docs/screenshots anew: every page, in both themes, on a farm that renders the examples with the
 * engines of this machine. `npm run screenshots`, after `npm run build:ui`.
 */
const FOLDER = join(import.meta.dirname, '../../../docs/screenshots');
const DESK = { width: 1440, height: 900 };
const PHONE = { width: 390, height: 844 };
/** Charts are drawn, colours have faded in. */
const SETTLE_MS = 1_500;
/** Whatever still loads: skeletons, pictures. */
const LOADING =
  'document.querySelector(\'[aria-busy="true"]\') !== null || [...document.images].some((image) => !image.complete)';

const say = (line: string): void => void process.stderr.write(`${line}\n`);

const pagesOf = (stage: Stage): [name: string, path: string][] => [
  ['overview', '/overview'],
  ['jobs', '/jobs'],
  ['job', `/jobs/${stage.finished}`],
  ['job-running', `/jobs/${stage.running}`],
  ['job-pictures', `/jobs/${stage.finished}?tab=pictures`],
  ['job-player', `/jobs/${stage.finished}?tab=player`],
  ['job-timeline', `/jobs/${stage.finished}?tab=timeline`],
  ['job-graph', `/jobs/${stage.finished}?tab=graph`],
  ['job-log', `/jobs/${stage.failed}?tab=log`],
  ['job-settings', `/jobs/${stage.finished}?tab=settings`],
  ['job-files', `/jobs/${stage.finished}?tab=files`],
  ['job-notes', `/jobs/${stage.finished}?tab=notes`],
  ['job-history', `/jobs/${stage.decided}?tab=history`],
  ['job-failed', `/jobs/${stage.failed}`],
  ['job-decision', `/jobs/${stage.decided}`],
  ['failures', '/failures'],
  ['workers', '/workers'],
  ['worker', `/workers/${stage.worker}`],
  ['submit', '/submit'],
  ['submit-like', `/submit?like=${stage.finished}`],
  ['queue', '/queue'],
  ['lanes', '/queue/lanes'],
  ['rules', '/queue/rules'],
  ['templates', '/templates'],
  ['template', '/templates/title-card'],
  ['batches', '/batches'],
  ['batch', `/batches/${stage.batch}`],
  ['webhooks', '/farm/webhooks'],
  ['storage', '/farm/storage'],
];

async function take(page: Page, name: string): Promise<void> {
  await delay(SETTLE_MS);
  await until(async () => !(await page.evaluate<boolean>(LOADING)), `${name} has loaded`).catch(
    (error: unknown) => say(String(error)),
  );
  const picture = await page.screenshot();
  await sharp(picture)
    .png({ palette: true, colours: 128, effort: 10 })
    .toFile(join(FOLDER, `${name}.png`));
  say(name);
}

async function takeAll(stage: Stage): Promise<void> {
  const executablePath = findOnPath('chromium');
  if (executablePath === undefined) throw new Error('There is no chromium on the PATH.');
  const browser = await chromium.launch({
    executablePath,
    args: ['--no-sandbox', '--disable-dev-shm-usage'],
  });
  try {
    for (const theme of ['dark', 'light']) {
      const context = await browser.newContext({ viewport: DESK, locale: 'en-GB' });
      await context.addInitScript(`localStorage.setItem('farmhand-theme', '${theme}')`);
      const page = await context.newPage();
      await page.goto(`${stage.url}/`);
      await take(page, `sign-in-${theme}`);
      await page.goto(`${stage.url}/#token=${stage.token}`);
      await page.getByTestId('status-pill').waitFor();
      for (const [name, path] of pagesOf(stage)) {
        await page.goto(stage.url + path);
        await take(page, `${name}-${theme}`);
      }
      await page.goto(`${stage.url}/jobs`);
      await page.getByTestId('status-pill').waitFor();
      await page.keyboard.press('Control+k');
      await take(page, `palette-${theme}`);
      await page.setViewportSize(PHONE);
      await page.goto(`${stage.url}/jobs`);
      await take(page, `phone-jobs-${theme}`);
      await page.goto(`${stage.url}/jobs/${stage.running}`);
      await take(page, `phone-job-${theme}`);
      await context.close();
    }
  } finally {
    await browser.close();
  }
}

await mkdir(FOLDER, { recursive: true });
const farm = await CommandLineFarm.create();
try {
  await takeAll(await setStage(farm, say));
} finally {
  await farm.dispose();
}
