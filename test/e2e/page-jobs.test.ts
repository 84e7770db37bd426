import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { JobSummary } from '../../src/shared/contracts/messages.ts';
import { FarmPage } from '../support/farm-page.ts';
import { need } from '../support/needs.ts';
import { until } from '../support/until.ts';
import { WholeFarm } from '../support/whole-farm.ts';

const browser = need('chromium');
const HOSTILE = '<img src=x onerror="document.title=\'owned\'">\u202Etxet';

describe.skipIf(browser.skip)(`the page: signing in and the list of jobs${browser.note}`, () => {
  let farm: WholeFarm;
  let view: FarmPage;
  beforeAll(async () => {
    farm = await WholeFarm.start({
      up: ['--slots', '2'],
      environment: { FARMHAND_WORKER_SITE: 'berlin', FARMHAND_WORKER_TAGS: 'ssd,night' },
    });
    view = await FarmPage.open(farm);
  });
  afterAll(async () => {
    await view.close();
    await farm.stop();
  });

  async function submit(document: Record<string, unknown>): Promise<JobSummary> {
    const file = join(farm.folder, 'job.json');
    await writeFile(file, JSON.stringify({ version: 1, engine: 'null', ...document }));
    return farm.json<JobSummary>('submit', file);
  }
  const row = (name: string) => view.page.getByRole('row').filter({ hasText: name });

  it('asks for the token, says that a wrong one is wrong, and takes a pasted address', async () => {
    await view.goto('/jobs?state=failed');
    await view.page.getByRole('heading', { name: 'Sign in to Farmhand' }).waitFor();
    await view.expectAccessible();
    const field = view.page.getByLabel('Token or address');
    await field.fill('0123456789abcdef0123456789abcdef');
    await view.page.getByRole('button', { name: 'Sign in' }).click();
    await view.expectText(view.page.getByRole('alert'), /not the farm’s/);
    await field.fill(`${view.url}/#token=${view.token}`);
    await view.page.getByRole('button', { name: 'Sign in' }).click();
    await view.page.getByRole('heading', { name: 'Jobs', exact: true }).waitFor();
    expect(new URL(view.page.url()).searchParams.get('q')).toBe('state:failed');
    await view.page.getByRole('button', { name: 'Sign out' }).click();
    await view.page.getByRole('heading', { name: 'Sign in to Farmhand' }).waitFor();
    view.expectQuiet(/^401 /);
  });

  it('turns the token of the address into a cookie that scripts cannot read', async () => {
    await view.signIn();
    expect(view.page.url()).not.toContain('token');
    const [cookie, ...others] = await view.cookies();
    expect(others).toEqual([]);
    expect(cookie).toMatchObject({ httpOnly: true, sameSite: 'Strict', path: '/' });
    expect(await view.page.evaluate('document.cookie + JSON.stringify(localStorage)')).not.toContain(
      view.token,
    );
    await view.page.reload();
    await view.page.getByRole('heading', { name: 'No jobs yet' }).waitFor();
    await view.page.getByText('./farmhand demo').waitFor();
    await view.expectText(view.pill(), /^Live$/);
    await view.expectAccessible();
  });

  it('shows a job live from its submission to its end', async () => {
    await submit({ name: 'Live one', frames: '1-40', settings: { frameMs: 20 } });
    await row('Live one').waitFor();
    await view.expectText(row('Live one'), /Completed[\s\S]*100 %/);
    expect(await row('Live one').getByRole('progressbar').getAttribute('aria-valuetext')).toBe(
      '40 of 40 frames done',
    );
  });

  it('pauses, resumes and cancels, and says in numbers what a cancel does', async () => {
    const { id } = await submit({
      name: 'Long one',
      frames: '1-200',
      settings: { frameMs: 1_000 },
      chunk: 1,
    });
    await row('Long one')
      .getByRole('button', { name: /^Pause/ })
      .click();
    await view.expectText(row('Long one'), /Paused/);
    expect((await farm.job(id)).state).toBe('paused');
    await row('Long one')
      .getByRole('button', { name: /^Resume/ })
      .click();
    await view.expectText(row('Long one'), /Running/);
    await row('Long one')
      .getByRole('button', { name: /^Cancel/ })
      .click();
    const dialog = view.page.getByRole('dialog');
    await view.expectText(dialog, /\d+ frames will not be rendered/);
    await view.expectAccessible();
    await dialog.getByRole('button', { name: /^Cancel \d+ frames$/ }).click();
    await view.expectText(row('Long one'), /Cancelled/);
    expect((await farm.job(id)).state).toBe('cancelled');
  });

  it('leaves room for names at every width of the window', async () => {
    await submit({ name: 'A name to be read', frames: '1' });
    const link = row('A name to be read').getByRole('link', { name: 'A name to be read' });
    for (const width of [1920, 1440, 1280, 1024, 900, 768, 640]) {
      await view.page.setViewportSize({ width, height: 900 });
      expect((await link.boundingBox())?.width, `the name at ${width} px`).toBeGreaterThan(120);
    }
    await view.page.setViewportSize({ width: 1440, height: 900 });
  });

  it('shows names as text, whatever is in them', async () => {
    await submit({ name: HOSTILE, owner: '<b>eve</b>', frames: '1' });
    await row('onerror').waitFor();
    await view.expectText(row('onerror'), /<b>eve<\/b>/);
    expect(await view.page.title()).toBe('Jobs · Farmhand');
    expect(await view.page.locator('main img').count()).toBe(0);
  });

  it('filters by text and state, keeps both in the address, and is worked by keys', async () => {
    await view.page.locator('body').press('/');
    await view.page.keyboard.type('long');
    await until(async () => (await row('Live one').count()) === 0, 'other jobs are hidden');
    await view.page.keyboard.type(' state:cancelled');
    await until(() => view.page.url().includes('cancelled'), 'the address keeps the query');
    await view.page.reload();
    await row('Long one').waitFor();
    expect(await view.page.getByRole('row').count()).toBe(2);
    await view.page.getByRole('heading', { name: 'Jobs', exact: true }).click();
    await view.page.keyboard.press('j');
    await view.page.keyboard.press('Enter');
    await view.expectText(view.page.getByTestId('job-state'), /Cancelled/);
    await view.page.keyboard.press('?');
    await view.page.getByRole('dialog', { name: 'Keyboard shortcuts' }).waitFor();
    await view.expectAccessible();
    await view.page.keyboard.press('Escape');
  });

  it('says where a query is wrong, and offers what could be written', async () => {
    await view.goto('/jobs');
    const field = view.page.getByRole('combobox', { name: 'Find jobs' });
    await field.fill('own');
    await view.expectText(view.page.getByRole('option').first(), /^owner:/);
    await field.fill('stat:failed');
    await view.expectText(view.page.getByRole('alert'), /did you mean state\?/);
    await field.fill('');
  });

  it('does the same with many jobs, says first what it would do, and takes it back', async () => {
    for (const name of ['Many A', 'Many B'])
      await submit({ name, frames: '1-200', settings: { frameMs: 1_000 }, chunk: 1 });
    await view.goto('/jobs?q=many&group=owner');
    for (const name of ['Many A', 'Many B'])
      await row(name)
        .getByRole('checkbox', { name: `Select ${name}` })
        .click();
    await view.page
      .getByRole('toolbar', { name: 'Selected jobs' })
      .getByRole('button', { name: 'Pause' })
      .click();
    const dialog = view.page.getByRole('dialog');
    await view.expectText(dialog, /Pauses 2 jobs/);
    await dialog.getByRole('button', { name: /2 jobs$/ }).click();
    await view.expectText(row('Many A'), /Paused/);
    await view.page.getByRole('button', { name: 'Undo' }).click();
    await view.expectText(row('Many B'), /Running|Queued/);
  });

  it('leads everywhere by the palette', async () => {
    await view.page.keyboard.press('Control+k');
    const field = view.page.getByRole('combobox', { name: 'Go to or do' });
    await field.fill('Many A');
    await view.page.getByRole('option', { name: /Many A/ }).waitFor();
    await view.expectAccessible();
    await field.press('Enter');
    await view.page.waitForURL(/\/jobs\/.+/);
  });

  it('does not say live while the gateway hangs, and catches up when it is back', async () => {
    await view.goto('/jobs');
    await view.expectText(view.pill(), /^Live$/);
    const [gateway = 0] = farm.pidsOf('gateway');
    process.kill(gateway, 'SIGSTOP');
    try {
      await view.expectText(view.pill(), /^Stale \d+ s$/, 20_000);
    } finally {
      process.kill(gateway, 'SIGCONT');
    }
    await view.expectText(view.pill(), /^Live$/);
    await submit({ name: 'After the break', frames: '1-4' });
    await view.expectText(row('After the break'), /Completed/);
  });

  it('shows the workers and what they can render', async () => {
    await view.page.getByRole('link', { name: 'Workers' }).click();
    const table = view.page.getByRole('region', { name: 'Workers' });
    await view.expectText(table, /lottie [\d.]+[\s\S]*berlin, ssd, night/);
    // The null engine keeps its scene, too, and some tasks have come since.
    await view.expectText(table, /\b\d+ %\s+/);
    await view.expectText(view.page.getByText(/worker online/), /1 worker online · 2 slots/);
    await view.expectAccessible();
    view.expectQuiet(/^401 /);
  });
});
