import type { Page } from 'playwright-core';
import { forwardPort } from '../../../local/forward-port.ts';
import { freePort } from '../../../local/servers/ports.ts';
import { FarmError } from '../../../shared/domain/errors.ts';
import { pause } from '../../support/pool.ts';
import type { BenchFarm } from '../bench-farm.ts';
import type { BenchContext } from '../report.ts';
import type { BenchBrowser } from './browser.ts';

const FRAMES = 10_000;
const FRAME_MS = 4;
const LIVE_TIMEOUT_MS = 30_000;
/** A page that was told everything is equal at once; why jobs wait, a new page asks for two rows at a time. */
const EQUAL_TIMEOUT_MS = 20_000;

/**
 * Cuts a page off while the farm renders a job of its own, and holds what it shows after its return against a page that
 * was opened just then, which shows what the API says.
 * @returns whether the list of jobs and the frame grid, pixel by pixel, are equal
 */
export async function convergesAfter(
  farm: BenchFarm,
  browser: BenchBrowser,
  order: BenchContext & { seconds: number },
): Promise<boolean> {
  const { seconds, say, signal } = order;
  const target = Number(new URL(farm.url).port);
  const port = await freePort();
  const throughLink = `http://127.0.0.1:${port}`;
  browser.allow(throughLink);
  let link = await forwardPort('127.0.0.1', port, target);
  try {
    const id = `cut-${seconds}`;
    await farm.client.submit({
      ...{ version: 1, id, name: id, engine: 'null', frames: `1-${FRAMES}`, settings: { frameMs: FRAME_MS } },
    });
    const pages = [await browser.newPage(), await browser.newPage()];
    const paths = [`/jobs/${id}`, '/jobs'];
    for (const [at, page] of pages.entries()) {
      await page.goto(throughLink + (paths[at] ?? ''));
      await live(page);
    }
    await link.stop();
    await pause(seconds * 1_000, signal);
    await farm.completion(id, 120_000);
    link = await forwardPort('127.0.0.1', port, target);
    for (const page of pages) await live(page);
    const equal: boolean[] = [];
    for (const [at, page] of pages.entries()) {
      const path = paths[at] ?? '';
      const difference = await differenceToFresh(page, browser, farm.url + path, signal);
      equal.push(difference === undefined);
      if (difference !== undefined)
        say(`after ${seconds} s without the farm ${path} is not what it should be: ${difference}`);
    }
    for (const page of pages) await page.close();
    await farm.assertEachFrameOnce(id, FRAMES);
    return equal.every((each) => each);
  } finally {
    await link.stop();
  }
}

async function live(page: Page): Promise<void> {
  const pill = page.getByTestId('status-pill');
  await pill.filter({ hasText: 'Live' }).waitFor({ timeout: LIVE_TIMEOUT_MS });
}

/** @returns the first line in which the page is not what a new one shows; undefined when there is none */
async function differenceToFresh(
  page: Page,
  browser: BenchBrowser,
  url: string,
  signal: AbortSignal,
): Promise<string | undefined> {
  const fresh = await browser.newPage();
  await fresh.goto(url);
  await live(fresh);
  const end = performance.now() + EQUAL_TIMEOUT_MS;
  let difference: string | undefined;
  do {
    const [there, here] = await Promise.all([shown(fresh), shown(page)]);
    if (there[0] === '' && there.length === 1)
      throw new FarmError('internal', `The page ${url} shows neither rows nor a grid.`);
    const at = Array.from(there.length > here.length ? there : here).findIndex(
      (_, i) => there[i] !== here[i],
    );
    difference = at < 0 ? undefined : `"${excerpt(here[at])}" instead of "${excerpt(there[at])}"`;
    if (difference !== undefined) await pause(100, signal);
  } while (difference !== undefined && performance.now() < end);
  await fresh.close();
  return difference;
}

const excerpt = (text = ''): string => text.replaceAll('\n', ' ').slice(0, 200);

/** All that is on the screen: the grid's pixels, then rows with their counts. */
function shown(page: Page): Promise<string[]> {
  return page.evaluate<string[]>(`[farmhandProbe.canvas(), ...farmhandProbe.rows()]`);
}
