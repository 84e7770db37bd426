import type { Page } from 'playwright-core';
import { pause } from '../../support/pool.ts';
import { figuresOf, heapBytes, paintedAt, type BenchBrowser } from './browser.ts';
import type { StatusSource } from './status-source.ts';

/** Between two things whose way to the screen is timed. */
const PROBE_EVERY_MS = 400;
/** The page and the heap have settled by then: every frame has changed, all code is compiled. */
const WARM_UP_MS = 20_000;
const HEAP_EVERY_MS = 60_000;

export interface Watched {
  flushes: number[];
  longTasks: number[];
  /** From the ledger's commit to the picture on the screen. */
  pixelMs: number[];
  /** After garbage was collected, from the end of the warm-up on, once a minute and at the end. */
  heap: number[];
}

type Probe = (page: Page, source: StatusSource, count: number) => Promise<number[]>;

/** Looks at a page for a while as events come in. */
export async function watchPage(
  browser: BenchBrowser,
  source: StatusSource,
  order: { url: string; seconds: number; probe: Probe; signal: AbortSignal },
): Promise<Watched> {
  const { url, seconds, probe, signal } = order;
  const page = await browser.newPage();
  const cdp = await browser.cdp(page);
  await page.goto(url);
  await pause(WARM_UP_MS, signal);
  const heap = [await heapBytes(cdp)];
  await page.evaluate('farmhandProbe.reset()');
  const pixelMs: number[] = [];
  const flushes: number[] = [];
  const longTasks: number[] = [];
  const endMs = performance.now() + seconds * 1_000;
  let heapDueMs = performance.now() + HEAP_EVERY_MS;
  for (let count = 0; performance.now() < endMs; count++) {
    pixelMs.push(...(await probe(page, source, count)));
    await pause(PROBE_EVERY_MS, signal);
    if (performance.now() < heapDueMs) continue;
    heapDueMs += HEAP_EVERY_MS;
    await take();
  }
  await take();
  await page.close();
  return { flushes, longTasks, pixelMs, heap };

  /** Garbage that is collected by force stops the page: what it did until then is taken first. */
  async function take(): Promise<void> {
    const figures = await figuresOf(page);
    flushes.push(...figures.flushes);
    longTasks.push(...figures.longTasks);
    heap.push(await heapBytes(cdp));
    await page.evaluate('farmhandProbe.reset()');
  }
}

/** The list of jobs: a job gets another name. */
export const probeList: Probe = async (page, source, count) => {
  const name = `bench 1 · ${count}`;
  await page.evaluate(`farmhandProbe.watchText(${JSON.stringify(name)}, ${JSON.stringify(name)})`);
  const committed = await source.rename(name);
  return [(await paintedAt(page, name)) - committed];
};

/** The grid of frames: one of 10,000 gets the colour of failed frames, and loses it again. */
export const probeGrid: Probe = async (page, source, count) => {
  const frame = source.quietFrame();
  const times: number[] = [];
  for (const state of ['failed', 'done'] as const) {
    const name = `${state} ${count}`;
    await page.evaluate(
      `farmhandProbe.watchColour(${JSON.stringify(name)}, 'failed', ${state === 'failed'})`,
    );
    const committed = await source.markFrame(frame, state);
    times.push((await paintedAt(page, name)) - committed);
  }
  return times;
};
