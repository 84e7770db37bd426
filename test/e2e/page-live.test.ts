import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { Page, WebSocket } from 'playwright-core';
import type { JobSummary } from '../../src/shared/contracts/messages.ts';
import { forwardPort, type Forwarder } from '../../src/local/forward-port.ts';
import { freePort } from '../../src/local/servers/ports.ts';
import { FarmPage } from '../support/farm-page.ts';
import { need } from '../support/needs.ts';
import { until } from '../support/until.ts';
import { WholeFarm } from '../support/whole-farm.ts';

const browser = need('chromium');
const HOUR_MS = 3_600_000;

/** What the page shows is what the farm says: after a cut, a restart, a sleep, with a wrong clock and a slow machine. */
describe.skipIf(browser.skip)(`the page stays true${browser.note}`, () => {
  let farm: WholeFarm;
  let view: FarmPage;
  let page: Page;
  let link: Forwarder;
  let linkPort = 0;
  beforeAll(async () => {
    farm = await WholeFarm.start({ up: ['--slots', '2'] });
    view = await FarmPage.open(farm);
    page = view.page;
    await view.signIn();
    linkPort = await freePort();
    link = await openLink();
  });
  afterEach(() => page.unrouteAll({ behavior: 'ignoreErrors' }));
  afterAll(async () => {
    await view.close();
    await link.stop();
    await farm.stop();
  });

  const openLink = (): Promise<Forwarder> =>
    forwardPort('127.0.0.1', linkPort, Number(new URL(view.url).port));
  const throughLink = (path: string): string => `http://127.0.0.1:${linkPort}${path}`;

  async function submit(document: Record<string, unknown>): Promise<JobSummary> {
    const file = join(farm.folder, 'job.json');
    await writeFile(file, JSON.stringify({ version: 1, engine: 'null', ...document }));
    return farm.json<JobSummary>('submit', file);
  }
  const live = (at = page): Promise<void> =>
    at.getByTestId('status-pill').filter({ hasText: 'Live' }).waitFor();
  const grid = (at = page) => at.getByRole('application', { name: /^Frames of step/ });
  /** The grid's pixels, and the job's counts in words. */
  const shown = async (at: Page): Promise<unknown[]> => [
    await at.evaluate("document.querySelector('canvas[role=application]')?.toDataURL()"),
    await grid(at).getAttribute('aria-label'),
    await at.getByTestId('job-state').innerText(),
  ];
  const doneFrames = async (at = page): Promise<number> =>
    Number(/(\d+) of/.exec((await grid(at).getAttribute('aria-label')) ?? '')?.[1] ?? 0);

  /** A page that was opened just now shows what the API says. */
  async function expectEqualsFreshPage(): Promise<void> {
    const fresh = await page.context().newPage();
    await fresh.goto(page.url());
    await live(fresh);
    await grid(fresh).waitFor();
    await until(
      async () => JSON.stringify(await shown(page)) === JSON.stringify(await shown(fresh)),
      'the page equals a fresh one',
      5_000,
    ).catch(async () => expect(await shown(page)).toEqual(await shown(fresh)));
    await fresh.close();
  }

  it('equals the farm’s state after it was cut off while frames were finished', async () => {
    const job = await submit({ name: 'Cut off', frames: '1-400', settings: { frameMs: 10 } });
    await page.goto(throughLink(`/jobs/${job.id}`));
    await live();
    await link.stop();
    await view.expectText(view.pill(), /^(Stale|Offline)/);
    await farm.ended(job.id);
    link = await openLink();
    await live();
    expect(await doneFrames()).toBe(400);
    await expectEqualsFreshPage();
  });

  it('is told only what it missed when the cut was short', async () => {
    const job = await submit({ name: 'Short cut', frames: '1-2000', settings: { frameMs: 4 } });
    const frames: string[] = [];
    page.on('websocket', (socket: WebSocket) =>
      socket.on('framereceived', ({ payload }) => frames.push(payload.toString('utf8'))),
    );
    await page.goto(throughLink(`/jobs/${job.id}`));
    await live();
    await until(async () => (await doneFrames()) > 0, 'frames are finished');
    frames.length = 0;
    await link.stop();
    await view.expectText(view.pill(), /^Stale/);
    link = await openLink();
    await live();
    expect(frames.filter((text) => text.includes('"resumed":true')).length).toBeGreaterThan(0);
    expect(frames.filter((text) => text.includes('"snapshot"'))).toEqual([]);
    await farm.ended(job.id);
    await until(async () => (await doneFrames()) === 2_000, 'all frames are shown');
    await expectEqualsFreshPage();
    page.removeAllListeners('websocket');
  });

  it('catches up after the gateway was killed', async () => {
    const job = await submit({ name: 'Killed', frames: '1-600', settings: { frameMs: 10 } });
    await view.goto(`/jobs/${job.id}`);
    await live();
    const [gateway] = farm.pidsOf('gateway');
    process.kill(gateway!, 'SIGKILL');
    await view.expectText(view.pill(), /^(Stale|Catching up|Offline)/);
    await until(() => {
      const [restarted] = farm.pidsOf('gateway');
      return restarted !== undefined && restarted !== gateway;
    }, 'the gateway runs again');
    await farm.ended(job.id);
    await live();
    await until(async () => (await doneFrames()) === 600, 'all frames are shown');
    await expectEqualsFreshPage();
  });

  it('shows a hidden tab’s news when it is looked at again', async () => {
    const job = await submit({ name: 'Hidden', frames: '1-300', settings: { frameMs: 10 } });
    await view.goto(`/jobs/${job.id}`);
    await live();
    await setHidden(true);
    await farm.ended(job.id);
    await setHidden(false);
    await until(async () => (await doneFrames()) === 300, 'all frames are shown');
    await expectEqualsFreshPage();
  });

  async function setHidden(hidden: boolean): Promise<void> {
    await page.evaluate(`Object.defineProperty(document, 'hidden', { configurable: true, value: ${hidden} });
      Object.defineProperty(document, 'visibilityState', { configurable: true, value: '${hidden ? 'hidden' : 'visible'}' });
      document.dispatchEvent(new Event('visibilitychange'))`);
  }

  it('takes one batch while its own machine is busy, and is right afterwards', async () => {
    const job = await submit({ name: 'Slow', frames: '1-1500', settings: { frameMs: 2 } });
    let batches = 0;
    page.on('websocket', (socket) =>
      socket.on('framereceived', ({ payload }) => {
        if (payload.toString('utf8').includes('"patches"')) batches++;
      }),
    );
    await view.goto(`/jobs/${job.id}`);
    await live();
    const cdp = await page.context().newCDPSession(page);
    await cdp.send('Emulation.setCPUThrottlingRate', { rate: 4 });
    batches = 0;
    await page.evaluate('{ const end = performance.now() + 2000; while (performance.now() < end); }');
    expect(batches).toBeLessThanOrEqual(2);
    await cdp.send('Emulation.setCPUThrottlingRate', { rate: 1 });
    await farm.ended(job.id);
    await until(async () => (await doneFrames()) === 1_500, 'all frames are shown');
    await expectEqualsFreshPage();
    page.removeAllListeners('websocket');
  });

  it('tells ages by the farm’s clock when its own is an hour off', async () => {
    await submit({ name: 'Just now', frames: '1' });
    const other = await page.context().newPage();
    for (const offMs of [HOUR_MS, -HOUR_MS]) {
      await other.clock.setSystemTime(Date.now() + offMs);
      await other.goto(`${view.url}/jobs`);
      await live(other);
      const row = other.getByRole('row').filter({ hasText: 'Just now' });
      await view.expectText(row, /\b(\d+ s|1 m|just now)\b/);
      await view.expectText(other.getByTestId('status-pill'), /^Live$/);
    }
    await other.close();
  });

  it('asks again for a picture whose link has expired, and says so where there is none', async () => {
    const job = await submit({
      ...{ name: 'Pictures', engine: 'lottie', scene: 'template:title-card' },
      ...{ frames: '0-3', data: { title: 'Hello' } },
    });
    await farm.ended(job.id);
    let refused = 0;
    // Object stores answer so to a link that has expired while the tab slept.
    await page.route(/frames\/[^/]+\/0\/thumbnail/, (route) =>
      refused++ === 0 ? route.fulfill({ status: 403, body: 'Request has expired' }) : route.continue(),
    );
    await page.route(/frames\/[^/]+\/1\/thumbnail/, (route) => route.fulfill({ status: 404 }));
    await view.goto(`/jobs/${job.id}?tab=pictures`);
    const sheet = page.getByLabel('Contact sheet');
    const loaded = (frame: number): Promise<boolean> =>
      sheet
        .getByRole('button', { name: `Frame ${frame}, done` })
        .locator('img')
        .evaluateAll((images) =>
          images.some((image) => (image as unknown as { naturalWidth: number }).naturalWidth > 0),
        );
    await until(() => loaded(0), 'the picture is there after all');
    await until(() => loaded(3), 'the others are there');
    expect(refused).toBeGreaterThan(1);
    expect(await loaded(1)).toBe(false);
    await sheet.getByRole('button', { name: 'Frame 1, done' }).waitFor();
    await live();
  });
});
